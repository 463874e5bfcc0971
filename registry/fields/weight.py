"""How much a row counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field as Option

from nnrun.registry.catalog import register
from nnrun.registry.data.columns import parse_numbers
from nnrun.registry.data.samples import in_ticks
from nnrun.registry.field import DataError, Encoded, Facts, Field
from nnrun.registry.options import NAME
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    import numpy as np


@register
class Weight(Field):
    """How much each row counts in a loss that names this field under `example_weights`, such as how many cases it stands for.

    Only the ratio of the weights matters. A row of weight 0 counts nothing. Answers do not need it.

    Shape: a number; with `along`, a number at each tick of the other field.
    Raises: DataError if a row has no value, or one that is negative or no finite number, or if a part has none above 0.
    """

    holds_numbers = True

    type: Literal["weight"]
    along: Annotated[str, Option(pattern=NAME)] | None = None
    """The field whose ticks have weights of their own. A row then holds a list, one number for each tick; along a series, whose ticks are
    the rows, it holds one number."""

    def shape(self, name: str, facts: Facts | None = None) -> Shape:
        return Shape(time=self.along)

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        encoded = parse_numbers(column)
        wrong = (encoded.values < 0).reshape(len(column), -1).any(axis=1)
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(
                f"holds {encoded.values[row].min():g}, and no row counts less than nothing", "a row of weight 0 counts nothing", row
            )
        return replace(encoded, values=encoded.values.astype("float32"))

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        def some(number: int) -> Any:
            return rng.uniform(0.5, 2.0, number)

        return in_ticks(some, count) if self.along else some(count).tolist()
