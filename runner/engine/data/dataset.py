"""A source's columns -> parts, facts, tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnrun.registry.data.samples import in_ticks
from nnrun.registry.field import DataError, Encoded, Facts, Field, naming
from nnrun.registry.source import Columns, Source
from nnrun.runner.compiler.language.data import Data, Split
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.split import Rows, divide
from nnrun.runner.engine.data.texts import divided, pieces_of, stream
from nnrun.runner.engine.data.windows import windows, windows_of


@dataclass(frozen=True)
class Dataset:
    """All parts of the data, and what the training part taught."""

    train: Part
    valid: Part | None
    test: Part | None
    facts: Mapping[str, Facts]
    example: Mapping[str, Any]
    """A row as the source gave it."""


_ROW = "row of the file"
"""Stands for the numbers of rows among the values that windows are cut from; no field can be called so."""

Parts = Mapping[str, Columns]
"""Columns by part: `all`, or `train` and others where the data comes split."""


def load_columns(data: Data, fields: Mapping[str, Field], folder: Path) -> Parts:
    """The columns that the fields need, from the source. Raises: SourceError, DataError."""
    assert isinstance(data.source, Source)
    columns = [column for name, config in fields.items() for column in config.reads(name)]
    if data.split.by is not None:
        columns.append(data.split.by)
    paths = {column for name, config in fields.items() if config.holds_paths for column in config.reads(name)}
    return data.source.load(folder, list(dict.fromkeys(columns)), paths)


def prepare(data: Data, fields: Mapping[str, Field], parts: Parts, targets: Sequence[str], folder: Path | None = None) -> Dataset:
    """Columns -> tensors, with facts learned from the training part alone.

    `targets` name the fields that losses judge; paths in the options of fields start at `folder`.
    Raises: DataError naming field and row.
    """
    located = {name: config.located(folder or Path()) for name, config in fields.items()}
    if data.streamed is not None:
        (column,) = located[data.streamed].reads(data.streamed)
        parts = divided(data.split, column, parts)
    columns = joined_columns(located, parts)
    rows = _divide(data, located, parts, columns, targets)
    if len(rows["train"]) == 0:
        raise DataError("the training part has no examples", "look at `split` under `data`")
    facts = {name: _fit(name, config, columns[name], rows["train"]) for name, config in located.items()}
    for name in targets:
        classes = facts.get(name, {}).get("classes", [])
        if len(classes) == 1:
            what = f"`{name}` has only the class `{classes[0]}` in the training part, so that there is nothing to tell apart"
            raise DataError(what, "look at the column, and at `split` under `data`")
    whole = _encode(data, located, columns, facts)
    part, rows = _windowed(data, whole, ahead=True), _windows_of(data, whole, rows)
    augment = {name: change for name, config in located.items() if (change := config.build_augment()) is not None}
    made = {name: replace(part, rows=torch.from_numpy(held), augment=augment if name == "train" else {}) for name, held in rows.items()}
    example = {column: values[0] for column, values in next(iter(parts.values())).items()}
    valid, test = (made[name] if len(made[name]) else None for name in ("valid", "test"))
    return Dataset(made["train"], valid, test, facts, example)


def encode_sent(
    data: Data, fields: Mapping[str, Field], columns: Columns, facts: Mapping[str, Facts], rows: Sequence[int] | None = None
) -> Part:
    """Columns that are sent to a trained network as numbers, a row for each; they stand in these `rows` of what was sent.

    Raises: DataError naming field and row.
    """
    sent = {}
    for name, column in joined_columns(fields, {"all": columns}, rows).items():
        with naming(name, rows):
            sent[name] = fields[name].received(column, facts[name])
    return _encode(data, fields, sent, facts, rows)


def examples_of(data: Data, fields: Mapping[str, Field], columns: Columns, facts: Mapping[str, Facts]) -> tuple[Part, list[int]]:
    """Columns without anything to predict as examples, and the row that each ends with; windows go up to the last row.

    Raises: DataError naming field and row.
    """
    whole = encode_sent(data, fields, columns, facts)
    if data.window is None:
        return whole, whole.rows.tolist()
    # A value without time is known in advance: it is read where the value to predict lies, so that row must be there.
    known_ahead = any(config.shape(name, facts[name]).time is None for name, config in fields.items())
    if data.streamed is not None:
        part = _windowed(data, whole, ahead=known_ahead)
        behind = torch.cumsum(whole.lengths[data.streamed], 0)
        return part, torch.searchsorted(behind, part.rows + data.window.length - 1, right=True).tolist()
    numbered = replace(whole, values={**whole.values, _ROW: whole.rows}, times={**whole.times, _ROW: _ROW})
    part = _windowed(data, numbered, ahead=known_ahead)
    ends: list[int] = part.values[_ROW][:, -1].tolist()
    values, lengths = ({name: held[name] for name in held if not name.startswith(_ROW)} for held in (part.values, part.lengths))
    return replace(part, values=values, lengths=lengths, times=whole.times), ends


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


def _divide(data: Data, fields: Mapping[str, Field], parts: Parts, columns: Columns, targets: Sequence[str]) -> Rows:
    sizes = {part: len(next(iter(held.values()))) for part, held in parts.items()}
    if data.streamed is not None:  # its parts are made
        ends = np.cumsum(list(sizes.values()))
        return {part: np.arange(end - sizes[part], end) for part, end in zip(sizes, ends, strict=True)}
    return divide(
        data.split,
        sizes,
        in_order=data.window is not None,
        labels=_labels(data.split, fields, columns, targets),
        where=parts["all"][data.split.by] if data.split.by is not None and "all" in parts else None,
    )


def _windowed(data: Data, part: Part, *, ahead: bool) -> Part:
    """Rows that are ticks of a series cut into windows, and texts into pieces."""
    if data.window is None:
        return part
    if data.streamed is not None:
        return stream(part, data.streamed, data.window.length)
    return windows(part, data.window, data.stride, ahead=ahead)


def _windows_of(data: Data, part: Part, rows: Rows) -> Rows:
    """The windows or pieces of each part, of the rows that it holds. Raises: DataError if none is left to learn from."""
    if data.window is None:
        return rows
    length, reach = data.window.length, data.window.length + data.window.horizon
    if data.streamed is not None:
        lengths = part.lengths[data.streamed].numpy()
        cut = {name: pieces_of(lengths, held, length, data.stride) for name, held in rows.items()}
        what = f"no piece of {length} tokens fits the training part"
    else:
        cut = {name: windows_of(data.window, data.stride, held, len(part), whole=name == "train") for name, held in rows.items()}
        what = f"no window of {length} ticks fits the training part: with what it predicts it takes {reach} rows in a row"
    if len(cut["train"]) == 0:
        raise DataError(what, "make `window` shorter")
    return cut


def _encode(
    data: Data, fields: Mapping[str, Field], columns: Columns, facts: Mapping[str, Facts], rows: Sequence[int] | None = None
) -> Part:
    values: dict[str, Tensor] = {}
    lengths: dict[str, Tensor] = {}
    times: dict[str, str] = {}
    for name, config in fields.items():
        with naming(name, rows):
            encoded = config.encode(columns[name], facts[name])
            axis = config.shape(name, facts[name]).time
            _check_ticks(encoded, axis, data.window is not None and data.streamed is None)
        values[name] = _tensor(encoded)
        if axis is not None:
            times[name] = axis
        if axis is not None and encoded.lengths is not None:
            own = torch.from_numpy(encoded.lengths)
            with naming(name, rows):
                _check_alike(own, axis, lengths.setdefault(axis, own))
    return Part(values, lengths, times, torch.arange(_count(columns)))


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


def _fit(name: str, config: Field, column: Sequence[Any], rows: np.ndarray) -> Facts:
    taken = column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows.tolist()]
    with naming(name, rows.tolist()):
        return config.fit(taken)


def _tensor(encoded: Encoded) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(encoded.values))
    return tensor.float() if tensor.is_floating_point() else tensor.long()


def _ticks(config: Field, rng: np.random.Generator, count: int) -> list[Any]:
    return list(config.sample(count, rng))


def _place(row: Any, index: int) -> Any:
    """A number of a made-up vector, or of each tick in a row."""
    return [tick[index] for tick in row] if isinstance(row, list) else row[index]
