"""Several values made into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import check_number, elementwise, outline
from nnrun.registry.algebra.arithmetic import Arithmetic
from nnrun.registry.algebra.arithmetic import folded as expression_of
from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.shape import Axis, InputError, Shape, ShapeError, same_axes, total

if TYPE_CHECKING:
    from torch import nn


class Merge(Node):
    """What all of them have in common: any number of edges, no memory."""

    inputs = "many"
    batch = "any"


class Entrywise(Merge):
    """Those that combine values entry by entry."""

    def shape(self, *inputs: Shape) -> Shape:
        return Shape(elementwise(inputs))

    def outline(self, *inputs: Shape | None) -> Shape | None:
        return outline(inputs)

    def arithmetic(self, *inputs: Shape) -> Arithmetic | None:
        return expression_of(self.type_name(), len(inputs))

    def build(self, *inputs: Shape) -> nn.Module:
        from nnrun.registry.modules.merge import Elementwise, folded

        return Elementwise(folded(self.type_name()), [len(x.axes) for x in inputs])


@register
class Add(Entrywise):
    """Add values, entry by entry; a single number is added to every entry.

    Shape: equal axes, or single numbers -> the same axes. An axis of size 1 is stretched to the others' size.
    Raises: InputError if axes differ.
    """

    unordered = True

    type: Literal["add"]


@register
class Multiply(Entrywise):
    """Multiply values, entry by entry; a single number scales every entry.

    Shape: equal axes, or single numbers -> the same axes. An axis of size 1 is stretched to the others' size.
    Raises: InputError if axes differ.
    """

    unordered = True

    type: Literal["multiply"]


@register
class Subtract(Entrywise):
    """Subtract the second value from the first, entry by entry.

    Shape: equal axes, or a single number -> the same axes. An axis of size 1 is stretched to the other's size.
    Raises: InputError if axes differ; ShapeError if there are not two values.
    """

    type: Literal["subtract"]

    def shape(self, *inputs: Shape) -> Shape:
        _check_two("subtract", inputs)
        return super().shape(*inputs)


@register
class Concat(Merge):
    """Join values, in the order of the edges: images on their channels, flat values on their features.

    Shape: (N0), (N1), … -> (N0 + N1 + …), and (C0, H, W), (C1, H, W), … -> (C0 + C1 + …, H, W). A single number is one feature.
    Raises: InputError if sizes other than the joined one differ.
    """

    type: Literal["concat"]
    axis: Literal["channel", "features"] = "channel"
    """`channel`: join on the first axis; the others must agree. `features`: flatten every value first, so that
    images of any size and flat values go together."""

    def shape(self, *inputs: Shape) -> Shape:
        for position, x in enumerate(inputs):
            check_number(x, position=position)
        if self.axis == "features":
            return Shape((total(x.size for x in inputs),))
        rest = inputs[0].axes[1:]
        sizes: list[Axis] = []
        for position, x in enumerate(inputs):
            if not same_axes(x.axes[1:], rest):
                wanted = f"a value that equals the first input, {inputs[0]}, in all sizes but the first"
                raise InputError(wanted, position=position, help="`axis: features` joins values of any sizes, flattened")
            sizes.append(x.axes[0] if x.axes else 1)
        return Shape((total(sizes), *rest))

    def build(self, *inputs: Shape) -> nn.Module:
        from nnrun.registry.modules.merge import Concat as Module

        return Module([len(x.axes) for x in inputs], flat=self.axis == "features")


@register
class Dot(Merge):
    """Multiply two values entry by entry and add it all up: how alike they are.

    Shape: equal axes, twice -> a number.
    Raises: InputError if axes differ; ShapeError if there are not two values.
    """

    unordered = True

    type: Literal["dot"]
    normalize: bool = False
    """Divide by the lengths of both: the cosine of the angle between them."""

    def shape(self, *inputs: Shape) -> Shape:
        _check_two("dot", inputs)
        for position, x in enumerate(inputs):
            check_number(x, position=position)
        if not same_axes(inputs[0].axes, inputs[1].axes):
            raise InputError(f"{inputs[0]}, as the first input", position=1, help="a `linear` node between them changes the size")
        return Shape()

    def build(self, *inputs: Shape) -> nn.Module:
        from nnrun.registry.modules.merge import Dot as Module

        return Module(len(inputs[0].axes), normalize=self.normalize)


def _check_two(name: str, inputs: tuple[Shape, ...]) -> None:
    if len(inputs) != 2:
        raise ShapeError(f"`{name}` takes two inputs, got {len(inputs)}", help="inputs come in the order of the edges")
