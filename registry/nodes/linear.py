"""A layer of linear units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import features
from nnrun.registry.algebra.activations import Activation
from nnrun.registry.algebra.arithmetic import Affine, Arithmetic
from nnrun.registry.catalog import register
from nnrun.registry.node import Trainable
from nnrun.registry.nodes.activation import check_activation
from nnrun.registry.options import Units
from nnrun.registry.shape import Axis, Shape, known

if TYPE_CHECKING:
    from torch import nn


@register
class Linear(Trainable):
    """Weigh all inputs and add them up: the layer of fully connected units.

    Several edges have one weight matrix each, and are summed: `y = f(W0 x0 + W1 x1 + … + b)`. A single number counts as
    one feature.

    Shape: (N0), (N1), … -> (units).
    Raises: InputError if an input is not flat.
    Source: Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors, equation 1.
    """

    inputs = "many"
    unordered = True
    batch = "any"

    type: Literal["linear"]
    units: Units
    """How many outputs: a number, or the name of a field (as many as it has classes, or features)."""
    bias: bool = True
    """Add a learned constant to each unit."""
    activation: Activation = "identity"
    """What is applied to the sums."""

    @property
    def outermost(self) -> tuple[str, str]:
        return self.activation, "activation"

    def shape(self, *inputs: Shape) -> Shape:
        for position, x in enumerate(inputs):
            features(x, position)
        y = Shape((self.units,))
        check_activation(self.activation, y)
        return y

    def outline(self, *inputs: Shape | None) -> Shape | None:
        return Shape((self.units,))

    def parameters(self, *inputs: Shape) -> dict[str, tuple[Axis, ...]]:
        weights: dict[str, tuple[Axis, ...]] = {f"weight.{edge}": (self.units, features(x)) for edge, x in enumerate(inputs)}
        return weights | ({"bias": (self.units,)} if self.bias else {})

    def arithmetic(self, *inputs: Shape) -> Arithmetic | None:
        return Affine(tuple(f"weight.{edge}" for edge in range(len(inputs))), "bias" if self.bias else None, self.activation)

    def build(self, *inputs: Shape) -> nn.Module:
        import torch

        from nnrun.registry.modules.dense import Linear as Module
        from nnrun.registry.modules.init import initialize

        weights = [initialize(torch.empty(known(self.units), known(features(x))), self.init) for x in inputs]
        return Module(weights, bias=self.bias, activation=self.activation, single=[not x.axes for x in inputs])
