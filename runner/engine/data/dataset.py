"""A source's columns -> parts, facts, tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnrun.registry.data.columns import MISSING
from nnrun.registry.data.samples import in_ticks
from nnrun.registry.data.spelling import spelled
from nnrun.registry.field import DataError, Encoded, Facts, Field, naming
from nnrun.registry.fields.text import Text
from nnrun.registry.source import Columns, Source
from nnrun.runner.compiler.language.data import Data, Split
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.recordings import Recordings, recordings
from nnrun.runner.engine.data.split import Rows, divide, origins
from nnrun.runner.engine.data.texts import divided, pieces_of, stream
from nnrun.runner.engine.data.windows import reach_of, windows

HOLE = "fill the gap in the data; a row left out makes a hole, which `time: COLUMN` under `data` keeps windows out of"


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
    example: Mapping[str, Any]
    """A row as the source gave it."""
    held: tuple[Held, ...] = ()
    """What each part holds."""
    notes: tuple[str, ...] = ()
    """What else people should know of the data, such as gaps in time."""
    said: Sequence[str] = ()
    """What was done to the data, for people."""


Parts = Mapping[str, Columns]
"""Columns by part: `all`, or `train` and others where the data comes split."""


def load_columns(data: Data, fields: Mapping[str, Field], folder: Path) -> Parts:
    """The columns that the fields need, from the source. Raises: SourceError, DataError."""
    assert isinstance(data.source, Source)
    columns = [column for name, config in fields.items() for column in config.reads(name)]
    columns += [column for column in (data.split.by, *ordering(data)) if column is not None]
    paths = {column for name, config in fields.items() if config.holds_paths for column in config.reads(name)}
    return data.source.load(folder, list(dict.fromkeys(columns)), paths)


def ordering(data: Data) -> list[str]:
    """Columns that say which rows follow each other."""
    return [column for column in (data.window.by if data.window is not None else None, data.time) if column is not None]


def prepare(data: Data, fields: Mapping[str, Field], parts: Parts, targets: Sequence[str], folder: Path | None = None) -> Dataset:
    """Columns -> tensors, with facts learned from the training part alone.

    `targets` name the fields that losses judge; paths in the options of fields start at `folder`.
    Raises: DataError naming field and place.
    """
    with _placing(data, parts, folder or Path()):
        return _prepare(data, fields, parts, targets, folder)


def _prepare(data: Data, fields: Mapping[str, Field], parts: Parts, targets: Sequence[str], folder: Path | None) -> Dataset:
    located = {name: config.located(folder or Path()) for name, config in fields.items()}
    named = _origins(data, parts)
    if data.streamed is not None:
        (column,) = located[data.streamed].reads(data.streamed)
        parts = divided(data.split, column, parts)
    columns = joined_columns(located, parts)
    series = recordings(data, parts) if data.window is not None and data.streamed is None else None
    if data.window is not None and data.window.join and list(parts) == ["all"]:
        raise DataError("`join` under `window` is for data that comes in parts, and this comes in one", "leave out `join`")
    rows = _divide(data, located, parts, columns, targets, series)
    if len(rows["train"]) == 0:
        raise DataError("the training part has no examples", "look at `split` under `data`")
    facts = {name: _fit(data, name, config, columns[name], rows["train"]) for name, config in located.items()}
    for name in targets:
        classes = facts.get(name, {}).get("classes", [])
        if len(classes) == 1:
            what = f"has only the class `{classes[0]}` in the training part, so that there is nothing to tell apart"
            raise DataError(what, "look at the column, and at `split` under `data`").of(name)
    whole, said = _encode(data, located, columns, facts)
    held = _counted(data, whole, rows)
    part, rows = _windowed(data, whole, series, ahead=True), _windows_of(data, whole, series, rows)
    augment = {name: change for name, config in located.items() if (change := config.build_augment()) is not None}
    made = {name: replace(part, rows=torch.from_numpy(held), augment=augment if name == "train" else {}) for name, held in rows.items()}
    example = {column: values[0] for column, values in next(iter(parts.values())).items()}
    valid, test = (made[name] if len(made[name]) else None for name in ("valid", "test"))
    unit = "tokens" if data.streamed else "rows"
    listed = tuple(Held(name, len(made[name]), held[name], unit, named[name]) for name in made if name in named)
    notes = series.notes(reach_of(data.window, ahead=True)) if series is not None and data.window is not None else ()
    return Dataset(made["train"], valid, test, facts, example, listed, notes, said)


def encode_sent(
    data: Data, fields: Mapping[str, Field], columns: Columns, facts: Mapping[str, Facts], rows: Sequence[int] | None = None
) -> Part:
    """Columns that are sent to a trained network as numbers, a row for each; they stand in these `rows` of what was sent.

    Raises: DataError naming field and row.
    """
    sent = {}
    for name, column in joined_columns(fields, {"all": _spelled(fields, columns)}, rows).items():
        with naming(name, rows):
            sent[name] = fields[name].received(column, facts[name])
    part, _ = _encode(data, fields, sent, facts, rows)
    return part


def examples_of(
    data: Data, fields: Mapping[str, Field], columns: Columns, facts: Mapping[str, Facts], stride: int = 1
) -> tuple[Part, list[int]]:
    """Columns without anything to predict as examples, and the row that each ends with. Windows go up to the last row of each recording,
    `stride` ticks apart, and come in the order of the rows that they end with.

    Raises: DataError naming field and row.
    """
    whole = encode_sent(data, fields, columns, facts)
    if data.window is None:
        return whole, whole.rows.tolist()
    # A value without time is known in advance: it is read where the value to predict lies, so that row must be there.
    # Only what keeps series apart is the same in all of one.
    by = (data.window.by,)
    known_ahead = any(config.shape(name, facts[name]).time is None and config.reads(name) != by for name, config in fields.items())
    if data.streamed is not None:
        part = _windowed(data, whole, None, ahead=known_ahead)
        behind = torch.cumsum(whole.lengths[data.streamed], 0)
        return part, torch.searchsorted(behind, part.rows + data.window.length - 1, right=True).tolist()
    series = recordings(data, {"all": columns})
    cut = _windowed(data, whole, series, ahead=known_ahead)
    assert cut.ends is not None
    starts = torch.from_numpy(series.starts(reach_of(data.window, ahead=known_ahead), stride, from_end=True))
    part = replace(cut, rows=starts[torch.argsort(cut.ends[starts])])
    return part, cut.ends[part.rows].tolist()


def joined_columns(fields: Mapping[str, Field], parts: Parts, rows: Sequence[int] | None = None) -> Columns:
    """The column of each field, by its name, with the parts of the data one behind the other. Raises: DataError."""
    columns = {name: _column(name, config, parts, rows) for name, config in fields.items()}
    _count(columns)
    return columns


def made_up_columns(data: Data, fields: Mapping[str, Field], count: int, seed: int = 0) -> Parts:
    """Columns of the declared types, for trying a spec without its data."""
    rng = np.random.default_rng(seed)
    made: dict[str, Sequence[Any]] = {}
    for name, config in fields.items():
        if data.window is not None and getattr(config, "along", None):
            config = config.model_copy(update={"along": None})  # rows are ticks: one value in each
        if data.window is None and config.type_name() == "series":
            sample: Sequence[Any] = in_ticks(partial(_ticks, config, rng), count)
        else:
            sample = config.sample(count, rng)
        names = config.reads(name)
        if len(names) == 1:
            made[names[0]] = sample
        else:
            made |= {column: [_place(row, index) for row in sample] for index, column in enumerate(names)}
    return {"all": made}


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
        labels=_labels(data.split, fields, columns, targets),
        groups=series.groups if series is not None else None,
        where=parts["all"][data.split.by] if data.split.by is not None and "all" in parts else None,
    )


def _counted(data: Data, part: Part, rows: Rows) -> dict[str, int]:
    """How many rows each part holds; of a stream of texts, tokens."""
    if data.streamed is None:
        return {name: len(held) for name, held in rows.items()}
    return {name: int(part.lengths[data.streamed][torch.from_numpy(held)].sum()) for name, held in rows.items()}


def _origins(data: Data, parts: Parts) -> dict[str, str]:
    """Where each part of the data comes from. `parts` are those of the source."""
    origin = data.source.origin if isinstance(data.source, Source) else "`{}`".format
    return origins(data.split, parts, origin, in_order=data.window is not None)


def _windowed(data: Data, part: Part, series: Recordings | None, *, ahead: bool) -> Part:
    """Rows that are ticks of a series cut into windows, and texts into pieces."""
    if data.window is None:
        return part
    if series is None:
        assert data.streamed is not None
        return stream(part, data.streamed, data.window.length)
    return windows(part, data.window, series, ahead=ahead)


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
        cut = {name: series.windows(starts, reach, held, whole=name == "train") for name, held in rows.items()}
        what = f"no window of {length} ticks fits the training part: with what it predicts it takes {reach} rows in a row"
    if len(cut["train"]) == 0:
        raise DataError(what, "make `window` shorter")
    return cut


def _encode(
    data: Data, fields: Mapping[str, Field], columns: Columns, facts: Mapping[str, Facts], rows: Sequence[int] | None = None
) -> tuple[Part, list[str]]:
    """All rows as numbers, and what the fields say of that."""
    values: dict[str, Tensor] = {}
    lengths: dict[str, Tensor] = {}
    times: dict[str, str] = {}
    texts: dict[str, Sequence[str]] = {}
    said: list[str] = []
    for name, config in fields.items():
        with _advising(data), naming(name, rows):
            encoded = config.encode(columns[name], facts[name])
            axis = config.shape(name, facts[name]).time
            _check_ticks(encoded, axis, data.window is not None and data.streamed is None)
        values[name] = _tensor(encoded)
        if encoded.said is not None:
            said.append(f"`{name}`: {encoded.said}")
        if isinstance(config, Text):
            texts[name] = columns[name]
        if axis is not None:
            times[name] = axis
        if axis is not None and encoded.lengths is not None:
            own = torch.from_numpy(encoded.lengths)
            with naming(name, rows):
                _check_alike(own, axis, lengths.setdefault(axis, own))
    return Part(values, lengths, times, torch.arange(_count(columns)), texts=texts), said


def _check_ticks(encoded: Encoded, axis: str | None, windowed: bool) -> None:
    if windowed and encoded.lengths is not None:
        raise DataError("holds several values in a row, but `window` takes the rows for ticks, one value in each", "leave out `window`")
    if axis is not None and not windowed and encoded.lengths is None:
        help = "`window: {length: 24}` under `data` takes the rows for ticks and cuts the series into examples"
        raise DataError("holds one value in a row, where a list with one for each tick is wanted", help)


def _check_alike(own: Tensor, axis: str, others: Tensor) -> None:
    """Refuse fields along each other that have different numbers of ticks in a row."""
    if not torch.equal(own, others):
        row = int((own != others).nonzero()[0])
        what = f"has {int(own[row])} ticks, but `{axis}` has {int(others[row])} there"
        raise DataError(what, "give one value for each tick", row)


def _spelled(fields: Mapping[str, Field], columns: Columns) -> Columns:
    """The columns that fields read, as the fields spell their names, and the others."""
    wanted = {name: spelled(name, columns) for field, config in fields.items() for name in config.reads(field)}
    return {**columns, **{name: columns[own] for name, own in wanted.items() if own is not None}}


def _column(name: str, config: Field, parts: Parts, rows: Sequence[int] | None = None) -> Sequence[Any]:
    """The column of a field, the parts of the data one behind the other."""
    held = []
    for columns in parts.values():
        for wanted in config.reads(name):
            if wanted not in columns:
                listed = ", ".join(f"`{known}`" for known in columns)
                raise DataError(f"the data has no column `{wanted}`, which the field `{name}` reads", f"the columns are {listed}")
        with naming(name, rows):
            held.append(config.gather(name, columns))
    if len(held) == 1:
        return held[0]
    if all(isinstance(column, np.ndarray) for column in held):
        return np.concatenate(held)  # type: ignore[return-value]
    return [value for column in held for value in column]


def _count(columns: Columns) -> int:
    """How many rows there are. Raises: DataError if columns differ."""
    counts = {name: len(column) for name, column in columns.items()}
    if len(set(counts.values())) > 1:
        raise DataError(f"the fields have different numbers of rows: {', '.join(f'`{name}` {count}' for name, count in counts.items())}")
    return next(iter(counts.values()), 0)


def _labels(split: Split, fields: Mapping[str, Field], columns: Columns, targets: Sequence[str]) -> Sequence[Any] | None:
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


def _fit(data: Data, name: str, config: Field, column: Sequence[Any], rows: np.ndarray) -> Facts:
    taken = column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows.tolist()]
    with _advising(data), naming(name, rows.tolist()):
        return config.fit(taken)


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


@contextmanager
def _advising(data: Data) -> Iterator[None]:
    """Within it, nobody is told to leave out a row that is a tick: that would make a hole in the series."""
    try:
        yield
    except DataError as error:
        if error.help != MISSING or data.window is None or data.streamed is not None:
            raise
        raise DataError(error.what, HOLE, error.row, error.name) from None


def _tensor(encoded: Encoded) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(encoded.values))
    return tensor.float() if tensor.is_floating_point() else tensor.long()


def _ticks(config: Field, rng: np.random.Generator, count: int) -> list[Any]:
    return list(config.sample(count, rng))


def _place(row: Any, index: int) -> Any:
    """A number of a made-up vector, or of each tick in a row."""
    return [tick[index] for tick in row] if isinstance(row, list) else row[index]
