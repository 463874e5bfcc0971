"""A sequence read from its end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.sequence import check_time
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from torch import nn


@register
class Reverse(Node):
    """Turn each sequence round within its own length, so that a loop or a cell behind it reads backwards in time.

        - text -> embed -> back -> memory -> forth        # back and forth are `reverse` nodes
        - memory reads the last word first; forth puts its values where the words stand

    Shape: any value at each tick -> the same value at each tick.
    Raises: InputError without a time axis.
    Source: Schuster and Paliwal 1997, Bidirectional recurrent neural networks.
    """

    scope = "time"

    type: Literal["reverse"]

    @property
    def looks_ahead(self) -> bool:
        return True

    def shape(self, x: Shape) -> Shape:
        check_time(x)
        return replace(x, backward=0)

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules import sequence

        return sequence.Reverse()
