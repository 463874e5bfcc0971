"""A source's columns -> parts, facts, tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nnrun.registry.data.vectors.found import Found
from nnrun.registry.field import DataError, Facts, Field, naming
from nnrun.registry.fields.text import Text
from nnrun.registry.fields.weight import Weight
from nnrun.registry.source import Columns, Source
from nnrun.runner.compiler.language.data import Data, Split
from nnrun.runner.engine.data.batch import GIVEN, Part
from nnrun.runner.engine.data.columns import Parts, joined_columns, ordering
from nnrun.runner.engine.data.division.split import Rows, divide, kept_together, origins
from nnrun.runner.engine.data.encoding import advising, encode, windowed
from nnrun.runner.engine.data.series.recordings import Recordings, recordings
from nnrun.runner.engine.data.series.windows import reach_of
from nnrun.runner.engine.data.texts import divided, pieces_of


@dataclass(frozen=True)
class Held:
    """What a part of the data holds."""

    part: str
    examples: int
    rows: int
    """Rows of the data that it is made of; of texts that `window` cuts, tokens."""
    unit: str
    """`rows` or `tokens`."""
    origin: str
    """Where they come from, as people read it."""


@dataclass(frozen=True)
class Dataset:
    """All parts of the data, and what the training part taught."""

    train: Part
    valid: Part | None
    test: Part | None
    facts: Mapping[str, Facts]
    given: tuple[str, ...] = ("all",)
    """The parts that the source gave; `all` if it does not divide its rows."""
    held: tuple[Held, ...] = ()
    """What each part holds."""
    notes: tuple[str, ...] = ()
    """What else people should know of the data, such as gaps in time."""
    said: Sequence[str] = ()
    """What was done to the data, for people."""
    digest: str | None = None
    """Its digest, where that is known already."""
    vectors: Mapping[str, Found] = field(default_factory=dict)
    """What nodes start from that files of vectors have for the symbols, by node."""

    @property
    def ticks(self) -> dict[str, int]:
        """The most that an example has, by time axis."""
        return {axis: int(lengths.max()) for axis, lengths in self.train.lengths.items()}


def prepare(data: Data, fields: Mapping[str, Field], parts: Parts, targets: Sequence[str], folder: Path | None = None) -> Dataset:
    """Columns -> tensors, with facts learned from the training part alone.

    `targets` name the fields that losses judge; paths in the options of fields start at `folder`.
    Raises: DataError naming field and place.
    """
    with _placing(data, parts, folder or Path()):
        return _prepare(data, fields, parts, targets, folder)


def _prepare(data: Data, fields: Mapping[str, Field], parts: Parts, targets: Sequence[str], folder: Path | None) -> Dataset:
    located = {name: config.located(folder or Path()) for name, config in fields.items()}
    given, named = tuple(parts), origins_of(data, parts)
    if data.streamed is not None:
        (column,) = located[data.streamed].reads(data.streamed)
        parts = divided(data.split, column, parts)
    columns = joined_columns(located, parts)
    series = recordings(data, parts) if data.window is not None and data.streamed is None else None
    if data.window is not None and data.window.join and list(parts) == ["all"]:
        what = "`join` under `window` is for data that comes in parts, and this comes in one"
        raise DataError(what, "leave out `join`").blaming("data", "window", "join")
    rows = _divide(data, located, parts, columns, targets, series)
    refuse_nothing(rows)
    facts = learned(located, lambda name, learn: _taught(data, name, learn, columns[name], rows["train"]))
    refuse_one_class(targets, facts)
    whole, said = encode(data, located, columns, facts, targets=targets, series=series)
    held = _counted(data, whole, rows)
    part, rows = windowed(data, located, whole, series, ahead=True), _windows_of(data, whole, series, rows)
    ordered = {column: _in_order(column, parts, series) for column in ordering(data)} if series is not None else {}
    part = replace(part, ordering=ordered)
    augment = {name: change for name, config in located.items() if (change := config.build_augment()) is not None}
    made = {name: replace(part, rows=torch.from_numpy(held), augment=augment if name == "train" else {}) for name, held in rows.items()}
    for name, one in made.items():
        _refuse_untold(name, one)
        _refuse_weightless(name, one, located)
    valid, test = (made[name] if len(made[name]) else None for name in ("valid", "test"))
    unit = "tokens" if data.streamed else "rows"
    listed = tuple(Held(name, len(made[name]), held[name], unit, named[name]) for name in made if name in named)
    notes = series.notes(reach_of(data.window, ahead=True)) if series is not None and data.window is not None else ()
    return Dataset(made["train"], valid, test, facts, given, listed, notes, said)


def refuse_nothing(rows: Rows) -> None:
    """Raises: DataError."""
    if len(rows["train"]) == 0:
        raise DataError("the training part has no examples", "look at `split` under `data`")


def _refuse_untold(name: str, part: Part) -> None:
    """Raises: DataError for a part in which a target is missing everywhere: its loss would be nothing, and look best."""
    for value, given in part.values.items():
        if GIVEN in value and len(part) and not given[part.rows].any():
            raise DataError(f"has no value at all in the {name} part", "look at `split` under `data`").of(value.partition(".")[0])


def _refuse_weightless(name: str, part: Part, fields: Mapping[str, Field]) -> None:
    """Raises: DataError for a part in which no row counts."""
    for called, config in fields.items():
        if isinstance(config, Weight) and len(part) and not part.values[called][part.rows].any():
            raise DataError(f"is 0 in all of the {name} part", "look at `split` under `data`").of(called)


def refuse_one_class(targets: Sequence[str], facts: Mapping[str, Facts]) -> None:
    """Raises: DataError for a target that is always the same."""
    for name in targets:
        classes = facts.get(name, {}).get("classes", [])
        if len(classes) == 1:
            what = f"has only the class `{classes[0]}` in the training part, so that there is nothing to tell apart"
            raise DataError(what, "look at the column, and at `split` under `data`").of(name)


def _in_order(column: str, parts: Parts, series: Recordings) -> list[Any]:
    """A column as the windows over it lie, as JSON has its cells."""
    values = [value for columns in parts.values() for value in columns[column]]
    return [_plain(values[row]) for row in series.order.tolist()]


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, str | int | float) else str(value)


def _divide(
    data: Data, fields: Mapping[str, Field], parts: Parts, columns: Columns, targets: Sequence[str], series: Recordings | None
) -> Rows:
    sizes = {part: len(next(iter(held.values()))) for part, held in parts.items()}
    if data.streamed is not None:  # its parts are made
        ends = np.cumsum(list(sizes.values()))
        return {part: np.arange(end - sizes[part], end) for part, end in zip(sizes, ends, strict=True)}
    return divide(
        data.split,
        sizes,
        in_order=data.window is not None,
        labels=labels_of(data.split, fields, columns, targets),
        groups=series.groups if series is not None else None,
        where=parts["all"][data.split.by] if data.split.by is not None and "all" in parts else None,
        kept=kept_together(data.split, [held[data.split.by_group] for held in parts.values()]) if data.split.by_group is not None else None,
    )


def _counted(data: Data, part: Part, rows: Rows) -> dict[str, int]:
    """How many rows each part holds; of a stream of texts, tokens."""
    if data.streamed is None:
        return {name: len(held) for name, held in rows.items()}
    return {name: int(part.lengths[data.streamed][torch.from_numpy(held)].sum()) for name, held in rows.items()}


def origins_of(data: Data, parts: Collection[str]) -> dict[str, str]:
    """Where each part of the data comes from. `parts` are those of the source."""
    origin = data.source.origin if isinstance(data.source, Source) else "`{}`".format
    return origins(data.split, parts, origin, in_order=data.window is not None)


def _windows_of(data: Data, part: Part, series: Recordings | None, rows: Rows) -> Rows:
    """The windows or pieces of each part, of the rows that it holds. Raises: DataError if none is left to learn from."""
    if data.window is None:
        return rows
    length, reach = data.window.length, reach_of(data.window, ahead=True)
    if series is None:
        assert data.streamed is not None
        lengths = part.lengths[data.streamed].numpy()
        cut = {name: pieces_of(lengths, held, length, data.stride) for name, held in rows.items()}
        what = f"no piece of {length} tokens fits the training part"
    else:
        starts = series.starts(reach, data.stride)
        judged = len(data.window.steps)
        cut = {name: series.windows(starts, reach, held, own=reach if name == "train" else judged) for name, held in rows.items()}
        what = f"no window of {length} ticks fits the training part: with what it predicts it takes {reach} rows in a row"
    if len(cut["train"]) == 0:
        fits = 0 if series is None else _longest(series, rows["train"], reach) - data.window.steps[-1]
        help = f"write `length: {fits}` or less" if fits > 0 else "make `window` shorter"
        raise DataError(what, help).blaming("data", "window", "length")
    return cut


def _longest(series: Recordings, held: np.ndarray, above: int) -> int:
    """The most rows in a row that lie in a part, of fewer than `above`."""
    least = 0
    while above - least > 1:
        middle = (least + above) // 2
        fits = len(series.windows(series.starts(middle, 1), middle, held, own=middle)) > 0
        least, above = (middle, above) if fits else (least, middle)
    return least


def labels_of(split: Split, fields: Mapping[str, Field], columns: Columns, targets: Sequence[str]) -> Sequence[Any] | None:
    """What every part should hold equal shares of: one label a row."""
    categories = [name for name, config in fields.items() if config.type_name() == "category" and not getattr(config, "along", None)]
    if split.stratify is None:
        return next((columns[target] for target in targets if target in categories), None)
    if split.stratify is False:
        return None
    if split.stratify not in categories:
        listed = ", ".join(f"`{name}`" for name in categories)
        help = f"such fields are {listed}" if categories else "the spec has no such field"
        raise DataError(f"`stratify` takes the name of a category field without ticks, got `{split.stratify}`", help)
    return columns[split.stratify]


def learned(fields: Mapping[str, Field], taught: Callable[[str, Callable[[Sequence[Any]], Any]], Any]) -> dict[str, Facts]:
    """The facts of all fields. `taught` gives what a function makes of the training part of a field's column.

    A vocabulary that several texts have in common is learned from all of them.
    """
    facts: dict[str, Facts] = {}
    for name, config in fields.items():
        pupils = {other: one for other, one in fields.items() if isinstance(one, Text) and one.teacher == name}
        if isinstance(config, Text) and pupils:
            counts: Counter[str] = sum((taught(other, one.counted) for other, one in {name: config, **pupils}.items()), Counter())
            facts |= dict.fromkeys((name, *pupils), config.learned(counts))
        elif not isinstance(config, Text) or config.teacher is None:
            facts[name] = taught(name, config.fit)
    return {name: facts[name] for name in fields}


def _taught(data: Data, name: str, learn: Callable[[Sequence[Any]], Any], column: Sequence[Any], rows: np.ndarray) -> Any:
    taken = column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows.tolist()]
    with advising(data), naming(name, rows.tolist()):
        return learn(taken)


@contextmanager
def _placing(data: Data, parts: Parts, folder: Path) -> Iterator[None]:
    """Within it, the row that is to blame is said as its place in the data."""
    try:
        yield
    except DataError as error:
        if error.row is None or error.name is None or not isinstance(data.source, Source) or data.streamed is not None:
            raise
        row = error.row
        for part, columns in parts.items():
            count = len(next(iter(columns.values())))
            if row < count:
                raise error.at(data.source.place(folder, part, row)) from None
            row -= count
        raise
