"""Made-up columns, for trying a spec without its data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def ticks_of(row: int) -> int:
    """How many ticks a made-up row has: 3 to 6, the same in every field, so that fields along each other agree."""
    return 3 + row % 4


def in_ticks(make: Callable[[int], T], count: int) -> list[T]:
    """A ragged column: for each row what `make` makes for so many ticks."""
    return [make(ticks_of(row)) for row in range(count)]
