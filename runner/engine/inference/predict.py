"""A trained network answers: columns in, columns of what it predicts out, in the units and names of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nnrun.registry.data.tokens import UNKNOWN
from nnrun.registry.field import DataError, Facts, Field, naming
from nnrun.registry.fields.category import OTHER, Category
from nnrun.registry.fields.text import Text
from nnrun.registry.source import Columns
from nnrun.runner.compiler.language.decoding import Decode
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.checkpoint.model import load
from nnrun.runner.engine.data.batch import Batch, Part
from nnrun.runner.engine.data.columns import ordering
from nnrun.runner.engine.data.sent import examples_of
from nnrun.runner.engine.data.told import Told
from nnrun.runner.engine.inference.answered import PROMPT, Answers, Strange
from nnrun.runner.engine.inference.asked import Asked, asked
from nnrun.runner.engine.inference.decode import generate
from nnrun.runner.engine.inference.recollect import recollect
from nnrun.runner.engine.inference.saying.columns import Saying
from nnrun.runner.engine.inference.saying.what import USUAL, What
from nnrun.runner.engine.inference.search import Hypothesis, several
from nnrun.runner.engine.network.network import Network


class Predictor:
    """A network with all that is needed to use it."""

    def __init__(self, network: Network, plan: Plan, facts: Mapping[str, Facts], what: What = USUAL) -> None:
        self.network, self.plan, self.facts, self.what = network.eval(), plan, facts, what
        self.saying = Saying(plan, facts, what)
        values = (*what.values, *(plan.asked if what.is_of_losses else ()))
        self.read, self.foreseen = plan.read_for(values), plan.foreseen_for(values)

    @staticmethod
    def load(folder: Path, settings: Sequence[str] = ()) -> Predictor:
        """From a folder of `checkpoint.model.save`, with `path=value` texts applied to its spec. Raises: BrokenCheckpoint, SpecErrors."""
        saved = load(folder, settings)
        return Predictor(saved.network, saved.plan, saved.facts)

    def saying_also(self, words: Sequence[str], best: int = 1) -> Predictor:
        """The same, asked for what `words` name, as `What.of` takes them. Raises: DataError for what this network cannot say."""
        return Predictor(self.network, self.plan, self.facts, What.of(words, best, self.plan))

    @property
    def columns(self) -> list[str]:
        """What must be given: a text to continue, where the network reads nothing else."""
        if not self.read:
            return [PROMPT]
        assert self.plan.spec.data is not None
        read = (column for name in self.read for column in self.plan.fields[name].reads(name))
        return list(dict.fromkeys([*read, *ordering(self.plan.spec.data)]))

    @property
    def holds_lists(self) -> bool:
        """Whether a row may hold a list of texts: names at each tick, tokens, or the pictures of a film."""
        windowed = self.plan.spec.data is not None and self.plan.spec.data.window is not None
        timed = [self.plan.fields[name] for name in self.read if self.plan.values[name].time is not None]
        return any(not isinstance(field, Text) or field.are_given for field in timed) and not windowed

    def predict(self, columns: Columns, batch_size: int = 256) -> dict[str, list[Any]]:
        """The table of what is answered for some columns: the row, one entry for each; a list of them where the network answers at
        every tick. Raises: DataError."""
        return self.ask(columns, batch_size).table()[0]

    def ask(self, columns: Columns, batch_size: int = 256) -> Answers:
        """Answers for rows. A series answers for every window, the last of which ends with the last row. A network with a choice
        generates. Raises: DataError where no row can be answered for, or where the columns themselves are wrong."""
        answers = self.ask_piece(columns, 0, batch_size)
        if not answers.rows and answers.refused:
            raise next(iter(answers.refused.values()))
        return answers

    def ask_piece(self, columns: Columns, first: int, batch_size: int = 256) -> Answers:
        """The same of rows of which the first has that number, counted from 0, in all that is asked; there may be no answer among them.

        Raises: DataError where the columns themselves are wrong.
        """
        if not self.read:
            if PROMPT not in columns:
                raise DataError(f"the network reads `{PROMPT}`, a text to continue, and no such column was given")
            answers = self._continued(columns[PROMPT])
        else:
            answers = self._answered(self._asked(columns), batch_size)
        numbers = range(first, first + len(next(iter(columns.values()))))
        refused = {numbers[row]: error.of(error.name, numbers) if error.name else error for row, error in answers.refused.items()}
        return replace(answers, rows=[numbers[row] for row in answers.rows], refused=refused)

    def _asked(self, columns: Columns) -> Asked:
        assert self.plan.spec.data is not None
        return asked(self.plan.spec.data, self._fields, columns, self.facts, self._stride, self.foreseen)

    def _answered(self, given: Asked, batch_size: int) -> Answers:
        found: dict[str, list[Any]] = {}
        for part, _ in given.stretches:
            for name, values in self.answers(part, batch_size).items():
                found.setdefault(name, []).extend(values)
        strange = [odd for name in self.read if (odd := self._strange(name, [part for part, _ in given.stretches])) is not None]
        return Answers([row for _, rows in given.stretches for row in rows], found, given.refused, strange)

    def _strange(self, name: str, parts: Sequence[Part]) -> Strange | None:
        field, facts = self.plan.fields[name], self.facts[name]
        if isinstance(field, Text):
            of, what = UNKNOWN, "tokens" if field.is_cut_by_file or field.are_given else field.tokens
        elif isinstance(field, Category) and OTHER in facts["classes"]:
            of, what = facts["classes"].index(OTHER), "names"
        else:
            return None
        values = [part.values[name][part.rows] for part in parts]
        strange = sum(int((value == of).sum()) for value in values)
        total = sum(int(part.lengths[name][part.rows].sum()) if name in part.lengths else len(part.rows) for part in parts)
        return Strange(name, what, strange, total) if strange else None

    @property
    def _fields(self) -> dict[str, Field]:
        return {name: self.plan.fields[name] for name in self.read}

    @property
    def _stride(self) -> int:
        """Ticks from window to window; where something is remembered, it goes on from one to the next as in training."""
        data = self.plan.spec.data
        return data.stride if data is not None and data.window is not None and self.network.memory is not None else 1

    @torch.inference_mode()
    def answers(self, part: Part, batch_size: int = 256) -> dict[str, list[Any]]:
        """Predictions for the examples of a part, in their order."""
        device = next((parameter.device for parameter in self.network.parameters()), torch.device("cpu"))
        result: dict[str, list[Any]] = {}
        if not self.plan.losses and self.what.is_of_losses:
            result |= recollect(self.network, part, batch_size)
        wanted = tuple(value for value in self.what.needs(self.plan) if value not in result)
        if not self.plan.losses and not wanted:
            return result
        self.network.eval()
        if self.network.memory is not None:  # one stream, window by window
            self.network.memory.forget()
            batch_size = 1
        for rows in torch.split(part.rows, batch_size):
            batch, said = part.batch(rows).to(device), dict[str, list[Any]]()
            if self.plan.decoding is not None and self.what.is_of_losses:
                said |= self.wrote(generate(self.network, batch, self._search))
            if wanted:
                said |= self.said(self.network(batch, wanted), batch)
            for name, column in said.items():
                result.setdefault(name, []).extend(column)
        return result

    def said(self, values: Mapping[str, Tensor], batch: Batch) -> dict[str, list[Any]]:
        """What the values of a batch say, as far as they are there, as columns."""
        return self.saying.columns(values, batch)

    def wrote(self, found: Sequence[Sequence[Hypothesis]], prompt: str | None = None) -> dict[str, list[Any]]:
        """What the sequences that were generated for each example say, as columns: as many as are asked for, the best first."""
        assert self.plan.decoding is not None
        result: dict[str, list[Any]] = {}
        for place in range(self.what.best):
            ranked = self.plan.decoding.target if place == 0 else f"{self.plan.decoding.target}_{place + 1}"
            there = [hypotheses[place] if place < len(hypotheses) else None for hypotheses in found]
            result[ranked] = [None if one is None else self.text_of(one, prompt) for one in there]
            result[f"{ranked}_score"] = [None if one is None else one.score for one in there]
        return result

    @property
    def _search(self) -> Decode:
        """How texts are looked for: as the spec says, for as many as are asked for."""
        assert self.plan.decoding is not None
        settings = self.plan.decoding.settings
        return settings if self.what.best == 1 else several(settings, self.what.best)

    def _continued(self, prompts: Sequence[str]) -> Answers:
        assert self.plan.decoding is not None
        found, refused = dict[str, list[Any]](), dict[int, DataError]()
        for row, prompt in enumerate(prompts):
            try:
                begin = self.symbols(prompt, row)
            except DataError as error:
                refused[row] = error
            else:
                for name, column in self.wrote(generate(self.network, self.batch({}), self._search, forced=begin), prompt).items():
                    found.setdefault(name, []).extend(column)
        return Answers([row for row in range(len(prompts)) if row not in refused], found, refused)

    def batch(self, columns: Columns) -> Batch:
        """The rows as one batch; without columns one example, of a network that reads nothing. Raises: DataError."""
        assert self.plan.spec.data is not None
        if not self.read:
            return Batch({}, {}, 1)
        part, _ = examples_of(self.plan.spec.data, self._fields, columns, self.facts, self._stride, self.foreseen)
        return part.batch(part.rows)

    def symbols(self, text: str, row: int | None = None) -> Tensor:
        """The symbols that a generated sequence begins with if it begins with this text, of that row. Raises: DataError."""
        assert self.plan.decoding is not None
        target = self.plan.decoding.target
        field = self.plan.fields[target].model_copy(update={"end": False})
        with naming("the prompt") if row is None else naming(PROMPT, [row]):
            return torch.from_numpy(field.encode([text], self.facts[target]).values[0])

    def text_of(self, hypothesis: Hypothesis, prompt: str | None = None) -> str:
        """What a generated sequence says, the prompt that it begins with in its own words."""
        assert self.plan.decoding is not None
        target = self.plan.decoding.target
        field, facts = self.plan.fields[target], self.facts[target]
        assert isinstance(field, Text)
        given = len(self.symbols(prompt)) if prompt is not None else 0
        return field.continued(prompt or "", hypothesis.symbols[given:], facts)

    def truth(self, part: Part) -> dict[str, list[Any]]:
        """What the predictions should have been, under the same names, for targets that are fields."""
        result: dict[str, list[Any]] = {}
        for loss in self.plan.answering:
            field = loss.target.partition(".")[0]
            if field not in self.plan.fields:
                continue
            values = part.values[loss.target][part.rows]
            decode, facts = self.plan.fields[field].decode, self.facts[field]
            if self.plan.decoding is not None and field == self.plan.decoding.target:
                result[field] = Told(field, self.plan.fields, self.facts).raw(part, part.rows)
                continue
            if loss.target_shape.time is None:
                true = decode(values.numpy(), facts)
            else:
                lengths = part.lengths[loss.target_shape.time][part.rows].tolist()
                true = [decode(row[:length].numpy(), facts) for row, length in zip(values, lengths, strict=True)]
            given = part.given(loss.target)
            result[loss.answer] = true if given is None else _where(true, given[part.rows].tolist())
        return result


def _where(values: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """What was given, also within lists; None in the place of the rest."""
    return [
        _where(value, there) if isinstance(there, list) else value if there else None for value, there in zip(values, given, strict=False)
    ]
