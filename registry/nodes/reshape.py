"""Features laid out along other axes."""

from __future__ import annotations

from math import isqrt, prod
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from nnrun.registry.accept import check_number
from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.options import LARGEST
from nnrun.registry.shape import InputError, Shape, ShapeError, known

if TYPE_CHECKING:
    from torch import nn


def _sizes(value: Any) -> tuple[int, ...]:
    def is_size(size: Any) -> bool:
        return isinstance(size, int) and not isinstance(size, bool) and (size == -1 or 1 <= size <= LARGEST)

    if isinstance(value, list | tuple) and 1 <= len(value) <= 4 and all(map(is_size, value)) and value.count(-1) <= 1:
        return tuple(value)
    raise PydanticCustomError("wrong_type", "a list of one to four whole numbers from 1; one of them may be -1, for what is left")


Sizes = Annotated[
    Any, BeforeValidator(_sizes), WithJsonSchema({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 4})
]


def _fitting(to: tuple[int, ...], x: Shape) -> str:
    """Axes that hold what arrives, near those that were written."""
    assert isinstance(x.size, int)
    if len(x.axes) > 2 and len(to) == len(x.axes):
        return f"what arrives has its channels in front already: write `to: {list(x.axes)}`, or leave the node out"
    for place in sorted(range(len(to)), key=lambda place: -to[place]):
        if x.size % (prod(to) // to[place]) == 0:
            return f"write `to: {[-1 if place == other else size for other, size in enumerate(to)]}`: `-1` stands for what is left"
    side = isqrt(x.size)
    square = side * side == x.size and len(to) > 1
    return f"write `to: {[*[1] * (len(to) - 2), side, side] if square else [*[1] * (len(to) - 1), x.size]}`, which holds {x.size}"


@register
class Reshape(Node):
    """Lay the same features out along other axes, the last axis fastest.

    Shape: any axes -> `to`, with the same number of features.
    Raises: ShapeError if the numbers of features differ.
    """

    batch = "any"

    type: Literal["reshape"]
    to: Sizes
    """The new axes, channels first, such as `[1, 28, 28]`; `-1` stands for what is left."""

    def shape(self, x: Shape) -> Shape:
        check_number(x)
        given = prod(size for size in self.to if size != -1)
        if -1 not in self.to:
            if isinstance(x.size, int) and x.size != given:
                message = f"`to: {list(self.to)}` takes {given} features, got {x.size} in {x}"
                raise ShapeError(message, field="to", help=_fitting(self.to, x))
            return Shape(self.to)
        if isinstance(x.size, str):
            raise InputError(
                "a value of known size",
                help=f"the size `{x.size}` is known only from the data: declare it in the field, or write it for -1",
            )
        if x.size % given:
            raise ShapeError(f"`to: {list(self.to)}` takes a multiple of {given} features, got {x}", field="to")
        return Shape(tuple(x.size // given if size == -1 else size for size in self.to))

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules.dense import Reshape as Module

        return Module(len(x.axes), [known(size) for size in self.shape(x).axes])
