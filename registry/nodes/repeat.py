"""A value repeated along time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.node import Node, Port
from nnrun.registry.sequence import check_static
from nnrun.registry.shape import InputError, Shape

if TYPE_CHECKING:
    from torch import nn


@register
class Repeat(Node):
    """Give one value the time axis of another, at each tick the same: one to many.

        - image -> features -> repeat -> cell
        - caption -> repeat.along

    Of what arrives at the port `along`, only the ticks count.

    Shape: any value, and at `along` a sequence -> that value at each of its ticks.
    Raises: InputError if the value has a time axis of its own, or if what arrives at `along` has none.
    """

    scope = "time"
    ports = {"along": Port(time="own", ticks_only=True)}

    type: Literal["repeat"]

    def shape(self, x: Shape, along: Shape) -> Shape:
        check_static(x)
        if along.time is None:
            raise InputError(
                "a value with a time axis", port="along", help="a field of type `text` or `series` has one, and every node that reads it"
            )
        return x.along(along.time, along.ticks)

    def build(self, x: Shape, along: Shape) -> nn.Module:
        from nnrun.registry.modules import sequence

        return sequence.Repeat()
