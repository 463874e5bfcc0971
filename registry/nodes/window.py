"""A rolling window over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from nnrun.registry.accept import features
from nnrun.registry.catalog import register
from nnrun.registry.node import Node, Port
from nnrun.registry.options import LARGEST
from nnrun.registry.sequence import check_static, check_time
from nnrun.registry.shape import InputError, Shape, same_axes

if TYPE_CHECKING:
    from torch import nn


@register
class Window(Node):
    """Give every tick the last few of them, so that a node without memory sees how a sequence moves.

    A time-delay network is a `window`, `flatten` and `linear`.

    Shape: (N) at each tick -> (length, N) at each tick, oldest first; a number at each tick -> (length).
    Before the first tick stand zeros, or what the port `initial` brings. `state`: the last length - 1 ticks.
    Raises: InputError without a time axis, if a tick is not flat, or if `initial` is no such state.
    Source: Waibel et al. 1989, Phoneme recognition using time-delay neural networks.
    """

    scope = "time"
    ports = {"initial": Port(required=False, time="none")}
    outputs = ("state",)

    type: Literal["window"]
    length: Annotated[int, Field(ge=2, le=LARGEST)]
    """Ticks in a window, the current one among them."""

    def shape(self, x: Shape, initial: Shape | None = None) -> Shape:
        check_time(x)
        features(x)
        if initial is not None:
            check_static(initial, port="initial")
            if initial.kind != "number" or not same_axes(initial.axes, (self.length - 1, *x.axes)):
                wanted = f"the {self.length - 1} ticks before the first, {Shape((self.length - 1, *x.axes))}"
                raise InputError(wanted, port="initial", help="the `state` of a `window` node of the same length fits")
        return Shape((self.length, *x.axes)).along(x.time, x.ticks)

    def output_shape(self, output: str, x: Shape, initial: Shape | None = None) -> Shape:
        return Shape((self.length - 1, *x.axes))

    def build(self, x: Shape, initial: Shape | None = None) -> nn.Module:
        from nnrun.registry.modules import sequence

        return sequence.Window(self.length)
