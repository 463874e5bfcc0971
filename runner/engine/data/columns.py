"""What a source gives, by part, and the columns that fields read of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnrun.registry.data.spelling import spelled
from nnrun.registry.data.tables import MissingColumn
from nnrun.registry.field import DataError, Field, naming
from nnrun.registry.source import Columns, Source
from nnrun.runner.compiler.language.data import Data

Parts = Mapping[str, Columns]
"""Columns by part: `all`, or `train` and others where the data comes split."""


def load_columns(data: Data, fields: Mapping[str, Field], folder: Path) -> Parts:
    """The columns that the fields need, from the source. Raises: SourceError, DataError."""
    assert isinstance(data.source, Source)
    columns, paths = read_columns(fields)
    beside = [*data.split.columns.values(), *ordering(data)]
    others = {column for name, config in fields.items() if not config.holds_numbers for column in config.reads(name)}
    source = data.source.expecting(numbers={*columns} - others - {*beside})
    try:
        return source.load(folder, list(dict.fromkeys(columns + beside)), paths)
    except MissingColumn as error:
        raise _placed(error, data, fields) from None


def read_columns(fields: Mapping[str, Field]) -> tuple[list[str], set[str]]:
    """The columns that fields read, and those among them whose texts are paths of files."""
    every = [column for name, config in fields.items() for column in config.reads(name)]
    return list(dict.fromkeys(every)), {column for name, config in fields.items() if config.holds_paths for column in config.reads(name)}


def named_files(fields: Mapping[str, Field], parts: Parts) -> Iterator[str]:
    """The files that stand in the columns, such as pictures."""
    paths = {column for name, config in fields.items() if config.holds_paths for column in config.reads(name)}
    for columns in parts.values():
        for name in paths & columns.keys():
            yield from _texts(columns[name])


def _texts(column: Sequence[Any]) -> Iterator[str]:
    for value in column if not hasattr(column, "dtype") else ():
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from _texts(value)


def _placed(error: MissingColumn, data: Data, fields: Mapping[str, Field]) -> MissingColumn:
    """The same, at the key of the spec that names the column, with that key as it should be."""
    for path, held in _named(data, fields):
        if error.column not in held:
            continue
        key, whole = path[-1], f"{error.near}"
        error.path = path
        if key == "columns":
            error.path = (*path, held.index(error.column))
            whole = f"[{', '.join(whole if column == error.column else column for column in held)}]"
        if error.near is not None:
            owner = len(path) == 3 and path[1] == "fields"
            error.help = f"write `column: {whole}` in the field `{key}`, or call it so" if owner else f"write `{key}: {whole}`"
        break
    return error


def _named(data: Data, fields: Mapping[str, Field]) -> Iterator[tuple[tuple[str | int, ...], Sequence[str]]]:
    """The keys of a spec that name columns, each with all columns of its list; for a field that names none, the field."""
    window = data.window.by if data.window is not None else None
    split = [(("split", key), column) for key, column in data.split.columns.items()]
    for path, column in (*split, (("window", "by"), window), (("time",), data.time)):
        yield ("data", *path), [] if column is None else [column]
    for name, config in fields.items():
        key = next((key for key in ("columns", "column") if getattr(config, key, None)), None)
        yield ("data", "fields", name) if key is None else ("data", "fields", name, key), config.reads(name)


def ordering(data: Data) -> list[str]:
    """Columns that say which rows follow each other."""
    return [column for column in (data.window.by if data.window is not None else None, data.time) if column is not None]


def joined_columns(fields: Mapping[str, Field], parts: Parts, rows: Sequence[int] | None = None) -> Columns:
    """The column of each field, by its name, with the parts of the data one behind the other. Raises: DataError."""
    columns = {name: _column(name, config, parts, rows) for name, config in fields.items()}
    count_of(columns)
    return columns


def spelled_columns(fields: Mapping[str, Field], columns: Columns) -> Columns:
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


def count_of(columns: Columns) -> int:
    """How many rows there are. Raises: DataError if columns differ."""
    counts = {name: len(column) for name, column in columns.items()}
    if len(set(counts.values())) > 1:
        raise DataError(f"the fields have different numbers of rows: {', '.join(f'`{name}` {count}' for name, count in counts.items())}")
    return next(iter(counts.values()), 0)
