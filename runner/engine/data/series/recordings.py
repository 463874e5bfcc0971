"""Rows that are ticks: which of them follow each other in time, so that a window may hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnrun.registry.data.columns import is_missing
from nnrun.registry.data.times import Times, parse_times
from nnrun.registry.field import DataError, naming
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.engine.data.columns import Parts
from nnrun.runner.engine.data.division.split import counted

MOST_NAMED = 5
"""Gaps that are named one by one."""

EARLY, LATE = 0.5, 1.5
"""Between them, in steps, the next tick may come: months have 28 to 31 days, clocks are a little off."""


@dataclass(frozen=True)
class Recordings:
    """The rows of the data as series, none of which continues another: no window crosses from one into the next."""

    order: np.ndarray
    """Numbers of rows, those of a recording behind each other in time."""
    number: np.ndarray
    """Of the recording that each of them belongs to; never falls."""
    groups: np.ndarray | None = None
    """For each row of the data the group that `window.by` tells; None without it."""
    gaps: tuple[str, ...] = ()
    """What is missing in between, as sentences."""

    @property
    def moved(self) -> bool:
        """Whether the rows come in another order than in the data."""
        return bool((self.order[1:] < self.order[:-1]).any())

    @property
    def runs(self) -> list[np.ndarray]:
        """The rows of each recording, in time."""
        return np.split(self.order, np.flatnonzero(np.diff(self.number)) + 1)

    @property
    def longest(self) -> int:
        """Ticks of the longest recording."""
        return int(np.bincount(self.number).max(initial=0))

    def starts(self, reach: int, stride: int, *, from_end: bool = False) -> np.ndarray:
        """Places in `order` where `reach` ticks of one recording begin, a stride apart, counted from its first tick or its last."""
        starts = np.arange(max(len(self.number) - reach + 1, 0))
        inside = self.number[starts] == self.number[starts + reach - 1]
        if from_end:
            ends = np.searchsorted(self.number, self.number[starts], side="right")
            offset = ends - reach - starts
        else:
            offset = starts - np.searchsorted(self.number, self.number[starts], side="left")
        found: np.ndarray = starts[inside & (offset % stride == 0)]
        return found

    def windows(self, starts: np.ndarray, reach: int, rows: np.ndarray, *, own: int) -> np.ndarray:
        """Those whose last `own` ticks, such as the values to predict, lie among `rows`; the ticks before them may be another part's.

        Of what is learned from all must lie there: it must not hold what is tested.
        """
        held = np.concatenate([[0], np.cumsum(np.isin(self.order, rows))])
        found: np.ndarray = starts[held[starts + reach] - held[starts + reach - own] == own]
        return found

    def notes(self, reach: int) -> tuple[str, ...]:
        """What people should know: gaps, and recordings that are too short for a window."""
        sizes = np.bincount(self.number)
        short = sizes < reach
        if not short.any():
            return self.gaps
        verb = "is" if short.sum() == 1 else "are"
        what = f"{short.sum()} of {len(sizes)} series {verb} shorter than {reach} rows, which a window takes with what it predicts"
        return (*self.gaps, f"{what}: {int(sizes[short].sum()):,} rows are not used")


def recordings(data: Data, parts: Parts) -> Recordings:
    """Parts of the data are recordings of their own unless they are to be joined, groups are, and so is what follows a gap in time.

    Raises: DataError naming the row, for times that do not rise.
    """
    assert data.window is not None
    sizes = {part: len(next(iter(columns.values()))) for part, columns in parts.items()}
    blocks = np.zeros(sum(sizes.values()), dtype=np.int64)
    if not data.window.join:
        blocks = np.repeat(np.arange(len(sizes)), list(sizes.values()))
    groups = counted(_names(data.window.by, parts)) if data.window.by is not None else None
    number = blocks if groups is None else counted(list(zip(blocks.tolist(), groups.tolist(), strict=True)))
    order = np.argsort(number, kind="stable")
    made = Recordings(order, number[order], groups)
    return made if data.time is None else _parted_by_gaps(made, data.time, parts, sizes)


def _parted_by_gaps(made: Recordings, column: str, parts: Parts, sizes: dict[str, int]) -> Recordings:
    raw = _joined(column, parts)
    with naming(column):
        times = parse_times(raw)
    ordered, follows = times.values[made.order], made.number[1:] == made.number[:-1]
    passed = np.diff(ordered)

    def told(place: int) -> str:
        return _told(int(made.order[place]), sizes)

    for place in np.flatnonzero(follows & (passed <= 0)).tolist():
        what = f"`{column}` holds `{raw[made.order[place + 1]]}` in {told(place + 1)}, which does not come after"
        same = passed[place] == 0 and made.groups is None
        help = "`window: {by: COLUMN}` keeps series of one table apart" if same else f"sort the rows by `{column}`"
        raise DataError(f"{what} `{raw[made.order[place]]}` in {told(place)}", help).blaming("data", "time")
    if not follows.any():
        return made
    step = float(np.median(passed[follows]))
    for place in np.flatnonzero(follows & (passed < EARLY * step)).tolist():
        what = f"`{column}` in {told(place + 1)} comes {times.duration(passed[place])} after the row before"
        help = f"give the series one step, or leave out `time: {column}`"
        raise DataError(f"{what}, where rows lie {times.duration(step)} apart", help).blaming("data", "time")
    gaps = np.flatnonzero(follows & (passed > LATE * step)).tolist()
    border = np.concatenate([[False], ~follows | (passed > LATE * step)])
    named = tuple(_gaps(column, times, step, [(float(passed[place]), told(place), raw[made.order[place]]) for place in gaps]))
    return Recordings(made.order, np.cumsum(border), made.groups, named)


def _gaps(column: str, times: Times, step: float, found: Sequence[tuple[float, str, Any]]) -> Iterator[str]:
    """A sentence about each of the first gaps."""
    if not found:
        return
    named = [f"of {times.duration(passed)} behind {row} (`{value}`)" for passed, row, value in found]
    apart = f"which no window crosses; rows lie {times.duration(step)} apart"
    if len(found) == 1:
        yield f"`{column}` has a gap {named[0]}, {apart}"
        return
    yield f"`{column}` has {len(found)} gaps, {apart}:"
    yield from (f"  {one}" for one in named[:MOST_NAMED])
    if len(found) > MOST_NAMED:
        yield f"  and {len(found) - MOST_NAMED} more"


def _told(row: int, sizes: dict[str, int]) -> str:
    """A row for people: counted from 1, in its part where the data comes in parts."""
    for part, size in sizes.items():
        if row < size:
            return f"row {row + 1}" + ("" if part == "all" else f" of `{part}`")
        row -= size
    raise IndexError(row)


def _joined(column: str, parts: Parts) -> list[Any]:
    """Raises: DataError."""
    values: list[Any] = []
    for columns in parts.values():
        if column not in columns:
            listed = ", ".join(f"`{known}`" for known in columns)
            raise DataError(f"the data has no column `{column}`, by which its rows are put in order", f"the columns are {listed}")
        values += list(columns[column])
    return values


def _names(column: str, parts: Parts) -> list[str]:
    """The group of each row. Raises: DataError."""
    values = _joined(column, parts)
    for row, value in enumerate(values):
        if is_missing(value):
            raise DataError("has no value", f"`window: {{by: {column}}}` needs to know to which series each row belongs", row).of(column)
    return [str(value) for value in values]
