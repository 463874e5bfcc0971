"""Steps that find their own size."""

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
class Adadelta(Optimizer):
    """As `rmsprop`, with the size of the recent steps in place of a learning rate.

    With g the gradient: s = decay * s + (1 - decay) * g^2; step = sqrt(d + eps) / sqrt(s + eps) * g;
    d = decay * d + (1 - decay) * step^2; then w = w - lr * step.

    Source: Zeiler 2012, Adadelta: an adaptive learning rate method, algorithm 1.
    """

    type: Literal["adadelta"]
    lr: Positive = 1.0
    decay: Rate = 0.9
    """Share of both mean squares that stays at each step: 0.9 averages about ten. Called rho in the paper."""
    eps: Positive = 1e-6
    """Added under both roots; it also is the size of the first step."""
    weight_decay: NonNegative = 0.0
    """Added to the gradient, times the weight: shrinks all weights, biases too. `train: regularize` spares biases."""

    def build(self, parameters: Iterable[nn.Parameter]) -> TorchOptimizer:
        from nnrun.registry.modules.optimizers import lean

        return lean("Adadelta", parameters, lr=self.lr, rho=self.decay, eps=self.eps, weight_decay=self.weight_decay)
