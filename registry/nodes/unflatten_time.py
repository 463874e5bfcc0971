"""A list of features laid out along time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import check_number
from nnrun.registry.catalog import register
from nnrun.registry.node import Node, Port
from nnrun.registry.sequence import check_static
from nnrun.registry.shape import InputError, Shape, known

if TYPE_CHECKING:
    from torch import nn


@register
class UnflattenTime(Node):
    """Lay a list of features out along the ticks of another value, the first tick first: all steps of a forecast at once.

        - window -> hidden -> steps -> forecast
        - load.next -> forecast.along

    Of what arrives at the port `along`, only the ticks count. The inverse of `flatten_time`.

    Shape: (K * N), and at `along` a sequence of K ticks -> (N) at each of them; with N = 1 a number.
    Raises: InputError if the value has a time axis of its own, or K does not divide it, or examples may differ in their ticks.
    """

    scope = "time"
    ports = {"along": Port(time="own", ticks_only=True)}

    type: Literal["unflatten_time"]

    def shape(self, x: Shape, along: Shape) -> Shape:
        check_number(x)
        check_static(x)
        if along.time is None or along.ticks is None:
            raise InputError(
                "a value with a fixed number of ticks",
                port="along",
                help="`FIELD.next` of a `horizon` such as `1..24` has one, and a series that `window` cuts",
            )
        if len(x.axes) != 1 or not isinstance(x.size, int) or x.size % along.ticks:
            help = f"a `linear` node before it with `units: {along.ticks}` gives a number for each tick"
            raise InputError(f"a list of {along.ticks} numbers for the {along.ticks} ticks of `{along.time}`, or a multiple", help=help)
        each = x.size // along.ticks
        return Shape((each,) if each > 1 else ()).along(along.time, along.ticks)

    def build(self, x: Shape, along: Shape) -> nn.Module:
        from nnrun.registry.modules.dense import UnflattenTime as Module

        return Module(tuple(known(axis) for axis in self.shape(x, along).axes))
