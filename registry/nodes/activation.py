"""An elementwise function as a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import check_number
from nnrun.registry.algebra.activations import FUNCTIONS
from nnrun.registry.algebra.activations import Activation as Function
from nnrun.registry.algebra.arithmetic import Arithmetic
from nnrun.registry.algebra.formula import Apply, Read
from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.shape import Shape, ShapeError

if TYPE_CHECKING:
    from torch import nn


def check_activation(function: str, x: Shape, option: str = "activation") -> None:
    """Raises: ShapeError if the function makes a constant of the value."""
    if function in ("softmax", "log_softmax") and (not x.axes or x.axes[0] == 1):
        constant = "1" if function == "softmax" else "0"
        raise ShapeError(
            f"`{function}` over a single feature is always {constant}", field=option, help="`sigmoid` makes a probability of one score"
        )


@register
class Activation(Node):
    """Apply a function to every entry of a value.

    `softmax` and `log_softmax` look at all features of a flat value, or at all channels of an image, together.

    Shape: any numbers -> the same.
    Raises: ShapeError for a softmax over a single feature, which would be constant (torch computes it).
    """

    batch = "any"

    type: Literal["activation"]
    function: Function
    """What is applied."""

    @property
    def outermost(self) -> tuple[str, str]:
        return self.function, "function"

    def shape(self, x: Shape) -> Shape:
        check_number(x)
        check_activation(self.function, x, option="function")
        return x

    def arithmetic(self, x: Shape) -> Arithmetic | None:
        if self.function == "identity":
            return Read(0)
        return Apply(self.function, (Read(0),)) if self.function in FUNCTIONS else None

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules.activations import Activation as Module

        return Module(self.function, axes=len(x.axes))
