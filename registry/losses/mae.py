"""Mean absolute error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.comparison import check_numbers
from nnrun.registry.field import Facts
from nnrun.registry.objective import TargetLoss
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from torch import nn


@register
class Mae(TargetLoss):
    """Mean of the absolute differences. It predicts the median, and outliers pull it less than `mse`.

    Shape: (*axes) against as many numbers; the mean goes over all of them. (1) and a single number go together.
    Raises: ShapeError if the input has not as many numbers as the target.
    Source: Bishop 2006, Pattern recognition and machine learning, section 1.5.5.
    """

    numbers = True

    type: Literal["mae"]

    def check(self, input: Shape, target: Shape) -> None:
        check_numbers(input, target, self.target)

    def build(self, input: Shape, target: Shape, facts: Facts) -> nn.Module:
        from torch.nn.functional import l1_loss

        from nnrun.registry.modules.losses import Elementwise

        return Elementwise(l1_loss)
