"""Units that are one of several symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.group import Group
from nnrun.registry.options import Count
from nnrun.registry.shape import Axis, InputError, Shape, ShapeError

if TYPE_CHECKING:
    from nnrun.registry.modules.groups import Group as Module


@register
class CategoricalUnits(Group):
    """Units that are one of several symbols each, joined with others by symmetric edges `<->`.

    The state is written as zeros with a one for each unit. Without `classes` all numbers are those of a single unit, which
    is one of `units` symbols: the slots of a modern Hopfield net, or the class of a picture.

    Shape: a category or token -> (N) with N the number of its symbols; numbers, any axes, flattened -> (N).
    Raises: InputError if several symbols arrive at once, or another number of values than `units`; ShapeError if `classes`
    does not divide the numbers.
    Source: Salakhutdinov, Mnih and Hinton 2007, Restricted Boltzmann machines for collaborative filtering, equation 1.
    """

    symbol = "one of its symbols"
    lateral = False

    type: Literal["categorical_units"]
    classes: Count | None = None
    """Symbols of each unit, where there is more than one unit; the group then has `units * classes` numbers."""

    @property
    def wide(self) -> int:
        return self.classes or 1

    def shape(self, *inputs: Shape, initial: Shape | None = None) -> Shape:
        shape = super().shape(*inputs, initial=initial)
        if self.classes is not None and isinstance(shape.size, int) and shape.size % self.classes:
            message = f"{shape.size} numbers are no whole number of units with {self.classes} symbols each"
            raise ShapeError(message, field="classes", help="`classes` must divide the numbers that arrive")
        return shape

    def numbers(self, given: Shape, port: str | None) -> Axis:
        if given.kind == "number":
            return given.size
        if given.axes or given.classes is None:
            raise InputError("numbers, or one symbol for each example", port=port)
        return given.classes

    def module(self, size: int) -> Module:
        from nnrun.registry.modules.groups import Categorical

        return Categorical(size, bias=self.bias, classes=self.classes or size)
