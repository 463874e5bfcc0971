"""Quantile loss: the number that a share of all targets lies below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.comparison import check_numbers
from nnrun.registry.field import Facts
from nnrun.registry.objective import TargetLoss
from nnrun.registry.options import Portion
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from torch import nn


MEDIAN = 0.5


@register
class Quantile(TargetLoss):
    """Mean of q * d where the target lies above by d, and of (1 - q) * d where it lies below: the pinball loss.

    It predicts the number below which a share `q` of the targets lies: two of them, on two nodes, are an interval. The answers are called
    `price_q0.1` and `price_q0.9`, that of 0.5 as its target alone.

    Shape: (*axes) against as many numbers; the mean goes over all of them. (1) and a single number go together.
    Raises: ShapeError if the input has not as many numbers as the target.
    Source: Koenker and Bassett 1978, Regression quantiles, equation 3.1.
    """

    numbers = True

    type: Literal["quantile"]
    q: Portion = MEDIAN
    """The share of targets below the answer; 0.5 is the median, at half of `mae`."""

    @property
    def ending(self) -> str:
        return "" if self.q == MEDIAN else f"_q{self.q:g}"

    def check(self, input: Shape, target: Shape) -> None:
        check_numbers(input, target, self.target)

    def build(self, input: Shape, target: Shape, facts: Facts) -> nn.Module:
        from nnrun.registry.modules.losses import Elementwise, pinball

        return Elementwise(pinball(self.q))
