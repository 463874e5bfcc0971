"""Some of a vector's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from nnrun.registry.accept import features
from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.shape import Shape, ShapeError

if TYPE_CHECKING:
    from torch import nn


@register
class Slice(Node):
    """Give some numbers of a vector that follow each other, such as the first half of them.

    Shape: (N) -> (to - from).
    Raises: InputError if it is not flat; ShapeError if there are no such numbers.
    Source: Python, slices.
    """

    batch = "any"

    type: Literal["slice"]
    from_: int = Field(0, alias="from")
    """The first number, counted from 0; below 0 from the end."""
    to: int | None = None
    """The first that is left out; below 0 from the end. All up to the end where left out."""

    def shape(self, x: Shape) -> Shape:
        size = features(x)
        if not isinstance(size, int):
            return Shape((f"{size}[{self.from_}:{'' if self.to is None else self.to}]",))
        begin, end, _ = slice(self.from_, self.to).indices(size)
        inside = -size <= self.from_ < size and (self.to is None or -size <= self.to <= size)
        if begin >= end or not inside:
            field = "from" if not -size <= self.from_ < size else "to"
            raise ShapeError(
                f"the numbers from {self.from_} to {size if self.to is None else self.to} are none of the {size} that arrive", field=field
            )
        return Shape((end - begin,))

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules.slicing import Slice as Module

        return Module(self.from_, self.to, single=not x.axes)
