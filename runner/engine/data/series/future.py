"""Rows that lie behind what was measured: only what is known in advance is read there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnrun.registry.data.columns import is_missing
from nnrun.registry.field import Facts, Field
from nnrun.registry.source import Columns
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.engine.data.columns import spelled_columns
from nnrun.runner.engine.data.series.recordings import Recordings


@dataclass(frozen=True)
class Future:
    """The rows of some columns that no window reads, but what it predicts may lie there."""

    rows: np.ndarray
    """Whether each row is one of them, (n,)."""
    measured: np.ndarray
    """The row that each one's measurements are taken from, (n,): its own, or the last before the future."""
    known: Collection[str]
    """The fields that are known in advance."""

    def hidden(self, name: str, column: Sequence[Any]) -> Sequence[Any]:
        """The column of a field, where what was measured last stands in the place of what is not known yet."""
        if name in self.known:
            return column
        return column[self.measured] if isinstance(column, np.ndarray) else [column[row] for row in self.measured.tolist()]


def future_of(
    data: Data, fields: Mapping[str, Field], columns: Columns, facts: Mapping[str, Facts], series: Recordings, foreseen: Collection[str]
) -> Future | None:
    """At the end of each recording the rows up to the last value to predict, or as many as hold no measurement; None where nothing that
    the network reads is known in advance.

    `foreseen` names fields of which it reads `FIELD.next`. A value without time is read where the value to predict lies; only what keeps
    series apart is the same in all of one.
    """
    assert data.window is not None
    constant = {name for name, config in fields.items() if config.shape(name, facts[name]).time is None}
    if not foreseen and all(fields[name].reads(name) == (data.window.by,) for name in constant):
        return None
    known = {*foreseen, *constant}
    spelled = spelled_columns(fields, columns)
    cells = [spelled[column] for name, config in fields.items() if name not in known for column in config.reads(name) if column in spelled]
    rows, measured = np.zeros(len(series.order), dtype=bool), np.arange(len(series.order))
    for run in series.runs:
        end = len(run) - data.window.steps[-1]
        while end > 0 and cells and all(is_missing(column[run[end - 1]]) for column in cells):
            end -= 1
        if end > 0:
            rows[run[end:]], measured[run[end:]] = True, run[end - 1]
    return Future(rows, measured, known)
