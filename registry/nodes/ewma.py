"""Exponentially weighted moving average."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import check_number
from nnrun.registry.catalog import register
from nnrun.registry.node import Node, Port
from nnrun.registry.options import Portion
from nnrun.registry.sequence import check_static, check_time
from nnrun.registry.shape import Axis, InputError, Shape, known, same_axes

if TYPE_CHECKING:
    from torch import nn


@register
class Ewma(Node):
    """Smooth a sequence: an average over the past in which a value counts less, the older it is.

        y_0 = x_0
        y_t = decay * y_{t-1} + (1 - decay) * x_t

    With the port `initial`, y_0 = decay * initial + (1 - decay) * x_0.

    Shape: numbers at each tick -> the same axes at each tick. `state`: the last average.
    Raises: InputError without a time axis, if the values are no numbers, or if `initial` has other axes.
    """

    scope = "time"
    ports = {"initial": Port(required=False, time="none")}
    outputs = ("state",)

    type: Literal["ewma"]
    decay: Portion = 0.9
    """Weight of the past. The average reaches back about 1 / (1 - decay) ticks."""
    learned: bool = False
    """Learn one decay for each feature, from `decay` on, as the sigmoid of the parameter `logit`."""

    def shape(self, x: Shape, initial: Shape | None = None) -> Shape:
        check_time(x)
        check_number(x)
        if initial is not None:
            check_static(initial, port="initial")
            if initial.kind != "number" or not same_axes(initial.axes, x.axes):
                raise InputError(
                    f"{Shape(x.axes)}, the average before the first tick", port="initial", help="a `linear` node makes another size"
                )
        return replace(x, backward=0)

    def output_shape(self, output: str, x: Shape, initial: Shape | None = None) -> Shape:
        return replace(x.tick, backward=0)

    def parameters(self, x: Shape, initial: Shape | None = None) -> dict[str, tuple[Axis, ...]]:
        return {"logit": x.axes} if self.learned else {}

    def build(self, x: Shape, initial: Shape | None = None) -> nn.Module:
        from nnrun.registry.modules import sequence

        return sequence.Ewma(self.decay, learned=tuple(map(known, x.axes)) if self.learned else None)
