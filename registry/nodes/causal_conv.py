"""Convolution along time that sees the past only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from nnrun.registry.algebra.ticks import Windows
from nnrun.registry.catalog import register
from nnrun.registry.node import Port
from nnrun.registry.nodes.conv_time import TimeConvolution
from nnrun.registry.options import LARGEST
from nnrun.registry.sequence import check_static
from nnrun.registry.shape import InputError, Shape, same_axes

if TYPE_CHECKING:
    from torch import nn


@register
class CausalConv(TimeConvolution):
    """Slide learned kernels over the ticks of a sequence: each tick sees itself and those before it, none that is yet to come.

    So it can go on from piece to piece of a sequence and, where a `choice` generates, from symbol to symbol. `conv_time` sees both sides.

    Shape: (N) or a number at each tick -> (filters) at each tick: with R = (kernel - 1) * dilation, tick t sees t - R to t.
    Before the first tick stand zeros, or what the port `initial` brings. `state`: the last R ticks, oldest first.
    Raises: InputError without a time axis, if a tick is not flat, or if `initial` is no such state; ShapeError if the groups do
    not divide features and filters.
    Source: van den Oord et al. 2016, WaveNet: a generative model for raw audio, section 2.1; Bai, Kolter and Koltun 2018, An
    empirical evaluation of generic convolutional and recurrent networks for sequence modeling, section 3.
    """

    ports = {"initial": Port(required=False, time="none")}
    outputs = ("state",)

    type: Literal["causal_conv"]
    kernel: Annotated[int, Field(ge=2, le=LARGEST)] = 3
    """Size of a kernel, in ticks, the current one among them."""

    @property
    def windows(self) -> Windows:
        return Windows(self.reach + 1, 1, "same")

    def shape(self, x: Shape, initial: Shape | None = None) -> Shape:
        y = self.convolved(x)
        if initial is not None:
            check_static(initial, port="initial")
            state = self.output_shape("state", x)
            if initial.kind != "number" or not same_axes(initial.axes, state.axes):
                help = "the `state` of a `causal_conv` node of the same `kernel` and `dilation` fits"
                raise InputError(f"the {self.reach} ticks before the first, {state}", port="initial", help=help)
        return y

    def output_shape(self, output: str, x: Shape, initial: Shape | None = None) -> Shape:
        return Shape((self.reach, *x.axes))

    def build(self, x: Shape, initial: Shape | None = None) -> nn.Module:
        from nnrun.registry.modules.time_convolution import CausalConvolution

        return self.module(CausalConvolution, x)
