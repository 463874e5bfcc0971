"""Adam and its family: momentum, divided by the recent size of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from nnrun.registry.catalog import register
from nnrun.registry.options import NonNegative, Positive
from nnrun.registry.training import Optimizer

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer as TorchOptimizer


def _betas(value: Any) -> tuple[float, float]:
    if (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(one, int | float) and not isinstance(one, bool) and 0 <= one < 1 for one in value)
    ):
        return float(value[0]), float(value[1])
    raise PydanticCustomError("wrong_type", "a list of two numbers, each from 0 and below 1")


Betas = Annotated[
    tuple[float, float],
    BeforeValidator(_betas),
    WithJsonSchema({"type": "array", "items": {"type": "number", "minimum": 0, "exclusiveMaximum": 1}, "minItems": 2, "maxItems": 2}),
]


class AdamFamily(Optimizer):
    """Base: a running mean of the gradient, divided by a running size of it."""

    lr: Positive = 1e-3
    betas: Betas = (0.9, 0.999)
    """Share of the mean gradient, and of its size, that stays at each step: 0.9 averages about ten gradients."""
    eps: Positive = 1e-8
    """Added to the divisor, so that a weight without a gradient does not divide by 0."""
    weight_decay: NonNegative = 0.0
    """Added to the gradient, times the weight: shrinks all weights, biases too. `train: regularize` spares biases."""

    def settings(self) -> dict[str, Any]:
        """The options under torch's names."""
        return {"lr": self.lr, "betas": self.betas, "eps": self.eps, "weight_decay": self.weight_decay}


@register
class Adam(AdamFamily):
    """Momentum, divided by the recent root mean square of the gradient: a good first choice.

    With g the gradient: m = b1 * m + (1 - b1) * g; v = b2 * v + (1 - b2) * g^2; then w = w - lr * m' / (sqrt(v') + eps),
    where m' and v' are corrected for their start at 0.

    Source: Kingma and Ba 2015, Adam: a method for stochastic optimization, algorithm 1.
    """

    type: Literal["adam"]
    amsgrad: bool = False
    """Divide by the largest mean square so far, so that steps never grow again (Reddi, Kale and Kumar 2018)."""

    @property
    def remembers(self) -> int:
        return 2 + self.amsgrad

    def build(self, parameters: Iterable[nn.Parameter]) -> TorchOptimizer:
        from nnrun.registry.modules.optimizers import lean

        # One kernel for all weights: a quarter of the time of a step on a small network.
        return lean("Adam", parameters, **self.settings(), amsgrad=self.amsgrad, fused=True)


@register
class AdamW(AdamFamily):
    """Adam, with weights that shrink by themselves and not through the gradient.

    Beside Adam's step: w = w - lr * weight_decay * w.

    Source: Loshchilov and Hutter 2019, Decoupled weight decay regularization, algorithm 2.
    """

    type: Literal["adamw"]
    weight_decay: NonNegative = 0.01
    """Share of a weight, times `lr`, that each step takes off it; biases too. `train: regularize` spares biases."""
    amsgrad: bool = False
    """Divide by the largest mean square so far, so that steps never grow again (Reddi, Kale and Kumar 2018)."""

    @property
    def remembers(self) -> int:
        return 2 + self.amsgrad

    def build(self, parameters: Iterable[nn.Parameter]) -> TorchOptimizer:
        from nnrun.registry.modules.optimizers import lean

        return lean("AdamW", parameters, **self.settings(), amsgrad=self.amsgrad, fused=True)


@register
class Nadam(AdamFamily):
    """Adam with Nesterov's momentum, which looks ahead.

    Source: Dozat 2016, Incorporating Nesterov momentum into Adam, algorithm 2.
    """

    type: Literal["nadam"]
    lr: Positive = 2e-3
    momentum_decay: NonNegative = 4e-3
    """How fast the momentum of the first steps grows to `betas`; 0 keeps it at half of it."""

    def build(self, parameters: Iterable[nn.Parameter]) -> TorchOptimizer:
        from nnrun.registry.modules.optimizers import lean

        return lean("NAdam", parameters, **self.settings(), momentum_decay=self.momentum_decay)


@register
class Radam(AdamFamily):
    """Adam that starts as plain momentum, until it knows the size of the gradient well enough to divide by it.

    Source: Liu et al. 2020, On the variance of the adaptive learning rate and beyond, algorithm 2.
    """

    type: Literal["radam"]

    def build(self, parameters: Iterable[nn.Parameter]) -> TorchOptimizer:
        from nnrun.registry.modules.optimizers import lean

        return lean("RAdam", parameters, **self.settings())


@register
class Adamax(AdamFamily):
    """Adam, divided by the largest recent gradient instead of the root mean square.

    Source: Kingma and Ba 2015, Adam: a method for stochastic optimization, algorithm 2.
    """

    type: Literal["adamax"]
    lr: Positive = 2e-3

    def build(self, parameters: Iterable[nn.Parameter]) -> TorchOptimizer:
        from nnrun.registry.modules.optimizers import lean

        return lean("Adamax", parameters, **self.settings())
