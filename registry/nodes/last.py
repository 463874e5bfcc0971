"""What stands at the end of a sequence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.sequence import check_time
from nnrun.registry.shape import Shape, known

if TYPE_CHECKING:
    from torch import nn


@register
class Last(Node):
    """Keep the last tick of a sequence, not counting padding: what a cell knows after reading all of it.

    Of a bidirectional cell this is the final state of each direction: the half that reads from the end has read all of it at the first
    tick. A sequence without ticks gives zeros.

    Shape: any value at each tick -> the same value, once.
    Raises: InputError without a time axis.
    """

    scope = "time"

    type: Literal["last"]

    def shape(self, x: Shape) -> Shape:
        check_time(x)
        return replace(x.tick, backward=0)

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules import sequence

        return sequence.Last(known(x.backward))
