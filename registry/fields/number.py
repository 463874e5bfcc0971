"""One number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field as Option

from nnrun.registry.catalog import register
from nnrun.registry.data.numbers.numeric import Numeric
from nnrun.registry.data.samples import in_ticks, with_gaps
from nnrun.registry.field import Encoded, Facts
from nnrun.registry.options import NAME
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    import numpy as np


@register
class Number(Numeric):
    """A number in each row, such as a price or an age.

    Shape: a number; with `along`, a number at each tick of the other field. With `missing: indicator` (2).
    Raises: DataError if a row has no value, or one that is no finite number.
    """

    type: Literal["number"]
    along: Annotated[str, Option(pattern=NAME)] | None = None
    """The field that has this number at each of its ticks. A row then holds a list, one number for each tick; along a
    series, whose ticks are the rows, it holds one number."""

    def shape(self, name: str, facts: Facts | None = None) -> Shape:
        return self.marked(Shape(time=self.along))

    def fit(self, column: Sequence[Any]) -> dict[str, Any]:
        return self.learned(column, self.numbers)

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        return self.encoded(self.numbers(column), facts)

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        made: list[Any] = in_ticks(lambda n: rng.normal(size=n), count) if self.along else rng.normal(size=count).tolist()
        return made if self.missing == "refuse" else with_gaps(made)
