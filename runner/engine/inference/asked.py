"""Rows that a trained network is asked about: examples of those that it can answer for, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from nnrun.registry.field import DataError, Facts, Field
from nnrun.registry.source import Columns
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.columns import ordering
from nnrun.runner.engine.data.sent import encode_sent, examples_of
from nnrun.runner.engine.data.series.future import future_of
from nnrun.runner.engine.data.series.recordings import recordings


@dataclass(frozen=True)
class Asked:
    """Examples by stretches of rows that follow each other, each with the row that every example ends with."""

    stretches: Sequence[tuple[Part, Sequence[int]]]
    refused: Mapping[int, DataError]
    """What is wrong with the rows that cannot be answered for."""


def asked(
    data: Data,
    fields: Mapping[str, Field],
    columns: Columns,
    facts: Mapping[str, Facts],
    stride: int = 1,
    foreseen: Collection[str] = (),
) -> Asked:
    """The rows of some columns, of a series windows `stride` ticks apart; of `foreseen` fields what lies behind them is read too.

    One that is wrong does not keep the others from being answered; no window goes across it.

    Raises: DataError where what is wrong lies in no single row, or where no window is left.
    """
    try:
        return Asked([examples_of(data, fields, columns, facts, stride, foreseen)], {})
    except DataError:
        wanted = {*ordering(data), *(column for name, config in fields.items() for column in config.reads(name))}
        columns = {column: values for column, values in columns.items() if column in wanted}
        refused = _refused(data, fields, columns, facts, foreseen)
        if not refused:
            raise
    left = [row for row in range(_count(columns)) if row not in refused]
    stretches = []
    for rows in [left] * bool(left) if data.window is None else runs_of(left):
        try:
            part, ends = examples_of(data, fields, _taken(columns, rows), facts, stride, foreseen)
        except DataError as error:  # too few rows for a window
            refused |= dict.fromkeys(rows, error)
        else:
            stretches.append((part, [rows[end] for end in ends]))
    return Asked(stretches, dict(sorted(refused.items())))


def _refused(
    data: Data, fields: Mapping[str, Field], columns: Columns, facts: Mapping[str, Facts], foreseen: Collection[str]
) -> dict[int, DataError]:
    found, future = {}, None
    if data.window is not None and data.streamed is None:
        future = future_of(data, fields, columns, facts, recordings(data, {"all": columns}), foreseen)
    for row in range(_count(columns)):
        read = fields if future is None or not future.rows[row] else {name: fields[name] for name in future.known}
        try:
            encode_sent(data, read, _taken(columns, [row]), facts, rows=[row])
        except DataError as error:
            found[row] = error
    return found


def _count(columns: Columns) -> int:
    return min(map(len, columns.values()), default=0)


def _taken(columns: Columns, rows: Sequence[int]) -> dict[str, Sequence[Any]]:
    return {
        name: values[np.asarray(rows, dtype=np.int64)] if isinstance(values, np.ndarray) else [values[row] for row in rows]
        for name, values in columns.items()
    }


def runs_of(rows: Sequence[int]) -> Iterator[list[int]]:
    """Rows that follow each other, together."""
    for _, run in groupby(enumerate(rows), lambda pair: pair[1] - pair[0]):
        yield [row for _, row in run]
