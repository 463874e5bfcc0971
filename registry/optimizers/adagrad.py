"""Steps divided by the size of all gradients so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.options import NonNegative, Positive
from nnrun.registry.training import Optimizer

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer as TorchOptimizer


@register
class Adagrad(Optimizer):
    """Divide each weight's gradient by the root of the sum of its squares so far: rare features keep large steps.

    With g the gradient: s = s + g^2, then w = w - lr * g / (sqrt(s) + eps).

    Source: Duchi, Hazan and Singer 2011, Adaptive subgradient methods for online learning and stochastic optimization.
    """

    type: Literal["adagrad"]
    lr: Positive = 0.01
    lr_decay: NonNegative = 0.0
    """Divides the rate by 1 + lr_decay * steps so far, beside what the sum does."""
    initial_accumulator: NonNegative = 0.0
    """What the sum of squares starts from; the larger, the smaller the first steps."""
    eps: Positive = 1e-10
    """Added to the divisor, so that a weight without a gradient does not divide by 0."""
    weight_decay: NonNegative = 0.0
    """Added to the gradient, times the weight: shrinks all weights, biases too. `train: regularize` spares biases."""

    @property
    def remembers(self) -> int:
        return 1

    def build(self, parameters: Iterable[nn.Parameter]) -> TorchOptimizer:
        from nnrun.registry.modules.optimizers import lean

        return lean(
            "Adagrad",
            parameters,
            lr=self.lr,
            lr_decay=self.lr_decay,
            initial_accumulator_value=self.initial_accumulator,
            eps=self.eps,
            weight_decay=self.weight_decay,
        )
