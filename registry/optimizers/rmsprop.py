"""Steps divided by the recent size of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.options import NonNegative, Positive, Rate
from nnrun.registry.training import Optimizer

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer as TorchOptimizer


@register
class RmsProp(Optimizer):
    """Divide each weight's gradient by a running root mean square of it: all weights move at like speed.

    With g the gradient: s = decay * s + (1 - decay) * g^2, then w = w - lr * g / (sqrt(s) + eps).

    Source: Tieleman and Hinton 2012, Neural networks for machine learning, lecture 6e; Graves 2013, Generating sequences
    with recurrent neural networks, equations 38 to 41, for `centered` and `momentum`.
    """

    type: Literal["rmsprop"]
    lr: Positive = 1e-3
    decay: Rate = 0.9
    """Share of the mean square that stays at each step: 0.9 averages about ten gradients. Also called alpha or rho."""
    eps: Positive = 1e-8
    """Added to the divisor, so that a weight without a gradient does not divide by 0."""
    centered: bool = False
    """Divide by the standard deviation of the gradient instead: its mean is taken off the mean square."""
    momentum: Rate = 0.0
    """Share of the last step that goes into the next."""
    weight_decay: NonNegative = 0.0
    """Added to the gradient, times the weight: shrinks all weights, biases too. `train: regularize` spares biases."""

    @property
    def remembers(self) -> int:
        return 1 + self.centered + (self.momentum > 0)

    def build(self, parameters: Iterable[nn.Parameter]) -> TorchOptimizer:
        from nnrun.registry.modules.optimizers import lean

        return lean(
            "RMSprop",
            parameters,
            lr=self.lr,
            alpha=self.decay,
            eps=self.eps,
            centered=self.centered,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
        )
