"""A forecast that goes on: what a network foresaw is what it reads next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nnrun.registry.data.columns import is_missing
from nnrun.registry.field import DataError
from nnrun.registry.source import Columns
from nnrun.runner.compiler.language.data import Window
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.columns import spelled_columns
from nnrun.runner.engine.data.sent import examples_of
from nnrun.runner.engine.inference.predict import Predictor

Cells = dict[str, list[Any]]


def foresees(plan: Plan) -> bool:
    """Whether the network says what comes behind a window of a series."""
    data = plan.spec.data
    return data is not None and data.window is not None and any(loss.target.endswith(".next") for loss in plan.losses)


def roll_out(predictor: Predictor, columns: Columns, ticks: int | None) -> list[dict[str, Any]]:
    """What comes behind the last row: for each of so many `ticks`, as many as are foreseen at once where left out, `tick` from 1 and the
    columns that the network foresees; of several series, each with the column that tells it from the others first.

    What is known in advance must be given for these rows too; measurements are empty there. Raises: DataError.
    """
    rollout = _RollOut(predictor)
    by = rollout.window.by
    columns = spelled_columns(predictor.plan.fields, columns)
    count = len(next(iter(columns.values())))
    groups: Mapping[Any, list[int]] = {None: list(range(count))}
    if by is not None:
        groups = {value: [row for row in range(count) if columns[by][row] == value] for value in dict.fromkeys(columns[by])}
    rows = []
    for value, held in groups.items():
        cells = rollout.go_on({name: [column[row] for row in held] for name, column in columns.items()}, ticks or len(rollout.window.steps))
        own = {by: value} if by is not None else {}
        rows += [
            {**own, "tick": tick + 1, **dict(zip(cells, row, strict=True))} for tick, row in enumerate(zip(*cells.values(), strict=True))
        ]
    return rows


class _RollOut:
    """One series after the other. Raises: DataError where a network cannot read what it says."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor, plan = predictor, predictor.plan
        assert plan.spec.data is not None
        assert plan.spec.data.window is not None
        self.window: Window = plan.spec.data.window
        self.data = plan.spec.data.model_copy(update={"time": None, "window": self.window.model_copy(update={"by": None})})
        self.known = {name for name in plan.read if name in plan.foreseen or plan.values[name].time is None}
        self.measured = [name for name in plan.read if name not in self.known]
        answers = {loss.target.removesuffix(".next"): loss.answer for loss in plan.losses if loss.target.endswith(".next")}
        unforeseen = next((name for name in self.measured if name not in answers), None)
        if unforeseen is not None:
            help = f"a loss with `target: {unforeseen}.next` teaches that too; what is known in advance is read as `{unforeseen}.next`"
            raise DataError(f"the network reads `{unforeseen}` and does not foresee it, so that a forecast cannot go on", help)
        if self.window.steps[0] > 1:
            before = self.window.steps[0] - 1
            raise DataError(
                f"the network foresees tick {before + 1} behind a window, but none of the {before} before it", "`nnrun predict` gives that"
            )
        if predictor.network.memory is not None:
            raise DataError("the network goes on from window to window (`carry_state`), and a forecast does not", "`nnrun predict` answers")
        self.answers = {name: answers[name] for name in self.measured}

    def go_on(self, columns: Cells, ticks: int) -> Cells:
        """The columns that are foreseen, for so many ticks behind the last row with a measurement."""
        own = [column for name in self.measured for column in self.predictor.plan.fields[name].reads(name)]
        end = len(columns[own[0]])
        while end and all(is_missing(columns[column][end - 1]) for column in own):
            end -= 1
        if end < self.window.length:
            raise DataError(f"a window of {self.window.length} ticks does not fit a series of {end}", f"give it {self.window.length} rows")
        told: Cells = {column: columns[column][end - self.window.length : end] for column in own}
        while len(told[own[0]]) < self.window.length + ticks:
            for column, cells in self._next(told, columns, end - self.window.length).items():
                told[column] += cells
        return {column: cells[self.window.length :][:ticks] for column, cells in told.items()}

    def _next(self, told: Cells, columns: Cells, begin: int) -> Cells:
        """What follows `told`, which begins at that row of the columns."""
        plan, ahead = self.predictor.plan, self.window.steps[-1] if self.known else 0
        past = len(next(iter(told.values()))) - self.window.length
        sent: Cells = {column: [*cells[past:], *[None] * ahead] for column, cells in told.items()}
        for name in self.known:
            for column in plan.fields[name].reads(name):
                sent[column] = self._foreknown(column, columns[column], begin + past)
        part, _ = examples_of(
            self.data, {name: plan.fields[name] for name in plan.read}, sent, self.predictor.facts, foreseen=plan.foreseen
        )
        found = self.predictor.answers(part)
        return {column: cells for name, answer in self.answers.items() for column, cells in self._cells(name, found[answer][-1])}

    def _foreknown(self, column: str, cells: Sequence[Any], begin: int) -> list[Any]:
        """What is known of a window and of what follows it. Raises: DataError."""
        needed = begin + self.window.length + self.window.steps[-1]
        if column == self.window.by:  # the same in all of a series
            return [cells[0]] * (needed - begin)
        if len(cells) < needed:
            what = f"`{column}` is known in advance, and a forecast so far needs {needed - len(cells)} more rows of it"
            raise DataError(what, "add rows whose measurements are empty, or ask for fewer ticks")
        return list(cells[begin:needed])

    def _cells(self, name: str, answer: Any) -> Iterator[tuple[str, list[Any]]]:
        """The answer of one example as columns."""
        ticks = answer if self.window.several else [answer]
        field = self.predictor.plan.fields[name]
        columns = field.reads(name)
        if getattr(field, "columns", None) is None:
            yield columns[0], list(ticks)
            return
        for place, column in enumerate(columns):
            yield column, [tick[place] for tick in ticks]
