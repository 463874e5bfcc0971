"""Numbers in the course of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field as Option
from pydantic import PrivateAttr

from nnrun.registry.catalog import register
from nnrun.registry.data.columns import depth
from nnrun.registry.data.numbers.bridges import BRIDGES, SeriesMissing, bridged
from nnrun.registry.data.numbers.numeric import Numeric
from nnrun.registry.data.samples import with_gaps
from nnrun.registry.field import DataError, Encoded, Facts
from nnrun.registry.fields.vector import one_column, side_by_side
from nnrun.registry.options import Count, Many
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    import numpy as np


@register
class Series(Numeric):
    """Numbers in the course of time, such as the temperature of each month.

    The rows of the table are the ticks, in order, and `window` cuts the series into examples. Where a row holds a list
    instead, each row is an example with a series of its own, as long as it likes; NaN at the end of an array's row is none.

    Shape: a number at each tick; with `columns` or `size`, (N) at each tick. With `missing: indicator` (2), or (2 * N).
    Raises: DataError if there is a gap, or a value that is no finite number.
    """

    timed = True

    type: Literal["series"]
    columns: Many[Annotated[str, Option(min_length=1)]] | None = None
    """Columns that are measured together: their values at a tick are a vector, in this order."""
    size: Count | None = None
    """How many numbers one column holds at each tick, where it holds lists or an array."""
    missing: SeriesMissing = "refuse"
    """What becomes of a gap: what `number` makes of it; `last` goes on with the number before, and `interpolate` draws a line
    to the next one, so that a window may know of what comes behind it. Where there is none, the mean takes its place. What
    was filled in is no target: losses and metrics leave it out."""

    def shape(self, name: str, facts: Facts | None = None) -> Shape:
        one_column(self.column, self.columns, self.size)
        return self.marked(Shape((self._size,) if self._size else (), time=name))

    _runs: tuple[Any, ...] | None = PrivateAttr(default=None)

    def misfit(self, sizes: tuple[int, ...]) -> str | None:
        if self._size is not None or len(sizes) != 2:
            return None
        return f"write `size: {sizes[1]}` beside the type: each of the {sizes[0]} ticks has so many numbers"

    def reads(self, name: str) -> tuple[str, ...]:
        return self.columns or super().reads(name)

    def gather(self, name: str, columns: Mapping[str, Sequence[Any]]) -> Sequence[Any]:
        return side_by_side([columns[column] for column in self.columns]) if self.columns else super().gather(name, columns)

    def fit(self, column: Sequence[Any]) -> dict[str, Any]:
        return self.learned(column, self._parse)

    def over(self, runs: Sequence[np.ndarray]) -> Series:
        """The same field, where rows are ticks: `runs` are the rows of each series, in time."""
        told = self.model_copy()
        told._runs = tuple(runs)
        return told

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        parsed = self._parse(column)
        if self.missing not in BRIDGES:
            return self.encoded(parsed, facts)
        there = self.encoded(parsed, facts).given
        return replace(self.encoded(bridged(parsed, self._runs, self.missing), facts), given=there)

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        made = list(rng.normal(size=(count, self._size) if self._size else count))
        return made if self.missing == "refuse" else with_gaps(made)

    def _parse(self, column: Sequence[Any]) -> Encoded:
        if self._size is None and len(column) > 0 and depth(column[0]) == 2 and len(column[0]) > 0:
            size = len(column[0][0])
            help = f"write `size: {size}` beside the type"
            raise DataError(f"holds {size} numbers at each tick, where one is wanted", help, row=0)
        return self.numbers(column, self.columns, self._size)

    @property
    def has_features(self) -> bool:
        return self._size is not None

    @property
    def _size(self) -> int | None:
        return len(self.columns) if self.columns else self.size
