"""What a network is asked, and what it answers, by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nnrun.registry.field import DataError

PROMPT = "prompt"
"""The column of a network that reads nothing: a text to continue."""

ROW, ERROR = "row", "error"
"""The columns that say which row an answer is for, counted from 1, and why a row has none."""


@dataclass(frozen=True)
class Strange:
    """How many symbols of a text, or names, have no number of their own: they are all one to the network."""

    field: str
    what: str
    """Tokens, words, names."""
    count: int
    total: int

    def __add__(self, other: Strange) -> Strange:
        return replace(self, count=self.count + other.count, total=self.total + other.total)

    def __str__(self) -> str:
        return f"`{self.field}`: {self.count:,} of {self.total:,} {self.what} have no place of their own in the training part"


@dataclass(frozen=True)
class Answers:
    """What a network answers for the rows that it was asked about."""

    rows: Sequence[int]
    """The row of each answer, counted from 0: of a window the last row that it reads."""
    columns: Mapping[str, Sequence[Any]]
    refused: Mapping[int, DataError]
    """Rows that cannot be answered for, and why."""
    strange: Sequence[Strange] = ()
    """What was read that the training part does not hold."""

    def table(self, labels: Mapping[str, Mapping[int, Any]] | None = None) -> tuple[dict[str, list[Any]], str | None]:
        """The answers in the order of their rows, after the number of the row, or after its `labels` by column.

        Where rows are refused, they stand among the others with None for an answer, and a last column, whose name comes second, says why.
        """
        places = sorted([(row, place) for place, row in enumerate(self.rows)] + [(row, -1) for row in self.refused])
        known = labels or {free(ROW, self.columns): {row: row + 1 for row, _ in places}}
        table: dict[str, list[Any]] = {name: [values[row] for row, _ in places] for name, values in known.items()}
        for column, values in self.columns.items():
            table[column] = [values[place] if place >= 0 else None for _, place in places]
        if not self.refused:
            return table, None
        error = free(ERROR, table)
        table[error] = [None if place >= 0 else self.refused[row].message for row, place in places]
        return table, error


def free(name: str, taken: Collection[str]) -> str:
    """A name for a column of ours that no answer has."""
    return name if name not in taken else free(f"{name}_", taken)
