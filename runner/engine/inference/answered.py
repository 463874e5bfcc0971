"""What a network is asked, and what it answers, by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nnrun.registry.field import DataError
from nnrun.runner.compiler.plan import Comparison

PROMPT = "prompt"
"""The column of a network that reads nothing: a text to continue."""

ROW, ERROR = "row", "error"
"""The columns that say which row an answer is for, counted from 1, and why a row has none."""


@dataclass(frozen=True)
class Answers:
    """What a network answers for the rows that it was asked about."""

    rows: Sequence[int]
    """The row of each answer, counted from 0: of a window the last row that it reads."""
    columns: Mapping[str, Sequence[Any]]
    refused: Mapping[int, DataError]
    """Rows that cannot be answered for, and why."""
    strange: Sequence[str] = ()
    """What was read that the training part does not hold, in sentences."""

    def table(self, index: str | None = None, labels: Sequence[Any] | None = None) -> dict[str, list[Any]]:
        """The answers in the order of their rows, after the number of the row; or, under the name `index`, its label.

        Where rows are refused, they stand among the others with None for an answer, and a last column says why.
        """
        places = sorted([(row, place) for place, row in enumerate(self.rows)] + [(row, -1) for row in self.refused])
        name = index or free(ROW, self.columns)
        table: dict[str, list[Any]] = {name: [labels[row] if labels is not None else row + 1 for row, _ in places]}
        for column, values in self.columns.items():
            table[column] = [values[place] if place >= 0 else None for _, place in places]
        if self.refused:
            reasons = [None if place >= 0 else self.refused[row].message for row, place in places]
            table[free(ERROR, table)] = reasons
        return table


def free(name: str, taken: Collection[str]) -> str:
    """A name for a column of ours that no answer has."""
    return name if name not in taken else free(f"{name}_", taken)


def named(loss: Comparison) -> str:
    """How the answer is called: `price`, or `temperature_next`."""
    return loss.target.replace(".", "_")
