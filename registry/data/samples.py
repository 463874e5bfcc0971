"""Made-up columns, for trying a spec without its data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


LENGTHS = range(3, 7)
"""How many ticks a made-up row has."""


def ticks_of(row: int) -> int:
    """How many ticks a made-up row has, the same in every field, so that fields along each other agree."""
    return LENGTHS[row % len(LENGTHS)]


def in_ticks(make: Callable[[int], T], count: int) -> list[T]:
    """A ragged column: for each row what `make` makes for so many ticks."""
    return [make(ticks_of(row)) for row in range(count)]


def with_gaps(column: Sequence[Any]) -> list[Any]:
    """The same column, where a number is missing in every fifth row."""
    return [_with_gap(value) if row % 5 == 1 else value for row, value in enumerate(column)]


def _with_gap(value: Any) -> Any:
    if not getattr(value, "ndim", 0):
        return None
    changed = value.copy()
    changed[0] = float("nan")
    return changed
