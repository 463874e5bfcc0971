"""The loss of a value that is itself the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import check_number
from nnrun.registry.catalog import register
from nnrun.registry.field import Facts
from nnrun.registry.objective import Loss
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from torch import nn


@register
class Minimise(Loss):
    """Make a value of the network small, with no target beside it: a loss of your own, written by nodes.

        divergence: 0.5 * (mean ** 2 + variance - log(variance) - 1)      # Kullback and Leibler's, under `nodes`
        loss: {type: minimise, input: divergence}

    A formula may read the field that is asked for, such as `(price - guess) ** 2`; `predict` does not ask for it.

    Shape: any numbers. Those of an example, or tick, are added up; the loss is the mean over examples, or ticks.
    Raises: InputError if the input is no number.
    """

    type: Literal["minimise"]

    def check(self, input: Shape, target: Shape) -> None:
        check_number(input)

    def build(self, input: Shape, target: Shape, facts: Facts) -> nn.Module:
        from nnrun.registry.modules.losses import Own

        return Own()
