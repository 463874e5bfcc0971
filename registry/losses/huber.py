"""Huber's loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.comparison import check_numbers
from nnrun.registry.field import Facts
from nnrun.registry.objective import TargetLoss
from nnrun.registry.options import Positive
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from torch import nn


@register
class Huber(TargetLoss):
    """Squares of small differences, absolute values of large ones: smooth like `mse`, and calm about outliers like `mae`.

    With d the difference: d^2 / 2 up to `delta`, and delta * (|d| - delta / 2) beyond.

    Shape: (*axes) against as many numbers; the mean goes over all of them. (1) and a single number go together.
    Raises: ShapeError if the input has not as many numbers as the target.
    Source: Huber 1964, Robust estimation of a location parameter.
    """

    numbers = True

    type: Literal["huber"]
    delta: Positive = 1.0
    """The difference at which squares end, in the units the network sees: those after normalisation."""

    def check(self, input: Shape, target: Shape) -> None:
        check_numbers(input, target, self.target)

    def build(self, input: Shape, target: Shape, facts: Facts) -> nn.Module:
        from functools import partial

        from torch.nn.functional import huber_loss

        from nnrun.registry.modules.losses import Elementwise

        return Elementwise(partial(huber_loss, delta=self.delta))
