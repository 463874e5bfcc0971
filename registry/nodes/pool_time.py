"""Mean, maximum or sum over time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import check_number
from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.sequence import check_time
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from torch import nn


@register
class PoolTime(Node):
    """Reduce a sequence to one value, taking every tick alike; padding does not count.

    A sequence without ticks gives zeros.

    Shape: numbers at each tick -> the same axes, once.
    Raises: InputError without a time axis, or if the values are no numbers.
    """

    scope = "time"

    type: Literal["pool_time"]
    method: Literal["mean", "max", "sum"] = "mean"
    """`mean` over the ticks; `max`, for each feature by itself; `sum`, which grows with the length."""

    def shape(self, x: Shape) -> Shape:
        check_time(x)
        check_number(x)
        return replace(x.tick, backward=0)

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules import sequence

        return sequence.Pool(self.method)
