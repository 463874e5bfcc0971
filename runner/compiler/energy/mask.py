"""Sparse symmetric edges: which pairs of units are coupled."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nnrun.registry.shape import Axis, ShapeError
from nnrun.runner.compiler.language.spec import Mask

Pairs = tuple[tuple[int, int], ...]
"""Units of the first and of the second group that are coupled; within one group each pair stands once, the smaller first."""


MOST_PAIRS = 2**21
"""Of two groups that a mask is between, coupled or not: each is looked at."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the units of a group lie on a plane: `height` rows of `width`, row by row, so many times over."""

    height: int
    width: int

    @staticmethod
    def of(axes: Sequence[Axis], name: str) -> Grid:
        """The sides of an image, or of a square. Raises: ShapeError if the units form neither."""
        sizes = [size for size in axes if isinstance(size, int)]
        if len(axes) == 3 and len(sizes) == 3 and sizes[0] == 1:
            return Grid(sizes[1], sizes[2])
        count = math.prod(sizes)
        side = math.isqrt(count)
        if side * side != count:
            message = f"`mask: grid` lays units out on a square, but `{name}` has {count}"
            raise ShapeError(message, field="mask", help="take a square number of units, or another mask")
        return Grid(side, side)

    def place(self, unit: int, finer: Grid) -> tuple[float, float]:
        """Row and column of a unit, in steps of a finer grid of the same extent."""
        row, column = divmod(unit, self.width)
        return (row + 0.5) * finer.height / self.height - 0.5, (column + 0.5) * finer.width / self.width - 0.5


def coupled_pairs(mask: Mask, first: tuple[str, tuple[Axis, ...]], second: tuple[str, tuple[Axis, ...]], lateral: bool) -> Pairs:
    """The pairs that a mask leaves. A group is told by its name and the axes of its units.

    Raises: ShapeError if the units do not lie as the mask needs.
    """
    counts = [math.prod(size for size in axes if isinstance(size, int)) for _, axes in (first, second)]
    if counts[0] * counts[1] > MOST_PAIRS:
        met = " and ".join(f"`{name}` has {count}" for (name, _), count in zip((first, second), counts, strict=True))
        message = f"a mask chooses among at most {MOST_PAIRS} pairs of units, and {met if not lateral else met.partition(' and ')[0]}"
        raise ShapeError(message, field="mask", help="take fewer units, or no mask", id="too-large")
    if mask.type == "grid":
        grids = [Grid.of(axes, name) for name, axes in (first, second)]
        return tuple(_near(grids[0], grids[1], mask.reach, lateral))
    import random  # it loads OpenSSL: 4 ms that few specs need

    rng = random.Random(mask.seed)
    return tuple(pair for pair in _all_pairs(counts[0], counts[1], lateral) if rng.random() < mask.share)


def colours(units: int, pairs: Pairs) -> tuple[tuple[int, ...], ...]:
    """Units by colour, such that no two of one colour are coupled: greedily, the units with most neighbours first.

    Source: Welsh and Powell 1967, An upper bound for the chromatic number of a graph.
    """
    near: list[list[int]] = [[] for _ in range(units)]
    for one, other in pairs:
        near[one].append(other)
        near[other].append(one)
    colour = [-1] * units
    for unit in sorted(range(units), key=lambda unit: -len(near[unit])):
        taken = {colour[other] for other in near[unit]}
        colour[unit] = next(number for number in range(units) if number not in taken)
    return tuple(tuple(unit for unit in range(units) if colour[unit] == number) for number in range(max(colour) + 1))


def _all_pairs(first: int, second: int, lateral: bool) -> Iterator[tuple[int, int]]:
    return ((one, other) for one in range(first) for other in range(one + 1 if lateral else 0, second))


def _near(first: Grid, second: Grid, reach: int, lateral: bool) -> Iterator[tuple[int, int]]:
    """Pairs at most `reach` steps apart on the finer of the two grids, steps up, down, left and right counted together."""
    finer = max(first, second, key=lambda grid: grid.height * grid.width)
    places = [second.place(unit, finer) for unit in range(second.height * second.width)]
    for one in range(first.height * first.width):
        row, column = first.place(one, finer)
        for other, (its_row, its_column) in enumerate(places):
            if abs(row - its_row) + abs(column - its_column) <= reach and (not lateral or one < other):
                yield one, other
