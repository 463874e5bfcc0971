"""Axes joined to one list of features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import check_number
from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.shape import InputError, Shape, known, product

if TYPE_CHECKING:
    from torch import nn


@register
class Flatten(Node):
    """Join the axes of an image to one list of features; ticks stay apart (`flatten_time` joins them too).

    Shape: (C, H, W), or any other axes -> (N = C * H * W).
    """

    batch = "any"

    type: Literal["flatten"]

    def shape(self, x: Shape) -> Shape:
        check_number(x)
        return Shape((x.size,))

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules.dense import Reshape as Module

        return Module(len(x.axes), (known(x.size),))


@register
class FlattenTime(Node):
    """Join the ticks of a window to one list of features, first tick first, so that a network without memory can read them.

    Shape: (N) at each of K ticks -> (K * N).
    Raises: InputError if there is no time axis, or examples may differ in their number of ticks.
    """

    scope = "time"

    type: Literal["flatten_time"]

    def shape(self, x: Shape) -> Shape:
        wanted = "a value with a fixed number of ticks"
        check_number(x, wanted)
        if x.time is None:
            raise InputError(wanted, help="`flatten` joins the axes of a value without a time axis")
        if x.ticks is None:
            raise InputError(wanted, help="`window` in `data` cuts series to equal length; `last` or `pool_time` take any length")
        return Shape((product((x.ticks, *x.axes)),))

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules.dense import FlattenTime as Module

        return Module()
