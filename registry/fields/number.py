"""One number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field as Option

from nnrun.registry.catalog import register
from nnrun.registry.data.columns import by_pieces, parse_numbers, real
from nnrun.registry.data.normalize import Normalize, fit_scale, natural, normalized
from nnrun.registry.data.samples import in_ticks
from nnrun.registry.field import Encoded, Facts, Field
from nnrun.registry.options import NAME
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    import numpy as np


@register
class Number(Field):
    """A number in each row, such as a price or an age.

    Shape: a number; with `along`, a number at each tick of the other field.
    Raises: DataError if a row has no value, or one that is no finite number.
    """

    holds_numbers = True

    type: Literal["number"]
    normalize: Normalize = "none"
    """How the numbers are scaled before the network sees them: `standard` to mean 0 and standard deviation 1, `minmax` to
    0 to 1, `none` not at all. Fitted on the training part; predictions come back in the units of the data."""
    along: Annotated[str, Option(pattern=NAME)] | None = None
    """The field that has this number at each of its ticks. A row then holds a list, one number for each tick; along a
    series, whose ticks are the rows, it holds one number."""

    def shape(self, name: str, facts: Facts | None = None) -> Shape:
        return Shape(time=self.along)

    def fit(self, column: Sequence[Any]) -> dict[str, Any]:
        return fit_scale(by_pieces(column, lambda piece: real(parse_numbers(piece))), self.normalize)

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        return normalized(parse_numbers(column), facts)

    def decode(self, values: np.ndarray, facts: Facts) -> list[Any]:
        return list(natural(values, facts).tolist())

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        return in_ticks(lambda n: rng.normal(size=n), count) if self.along else rng.normal(size=count).tolist()
