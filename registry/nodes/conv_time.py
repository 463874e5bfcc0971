"""Convolution along time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import features
from nnrun.registry.algebra.activations import Activation
from nnrun.registry.algebra.ticks import Around, Windows
from nnrun.registry.catalog import register
from nnrun.registry.node import Trainable
from nnrun.registry.nodes.activation import check_activation
from nnrun.registry.options import Count
from nnrun.registry.sequence import at_each_window, check_time
from nnrun.registry.shape import Axis, Shape, known, product
from nnrun.registry.spatial import channels_of_a_group

if TYPE_CHECKING:
    from torch import nn

    from nnrun.registry.modules.time_convolution import TimeConvolution as Module


class TimeConvolution(Trainable):
    """Base of the convolutions along time: kernels that slide over the ticks of a sequence."""

    scope = "time"

    filters: Count
    """Number of kernels, hence of features at each tick."""
    kernel: Count = 3
    """Size of a kernel, in ticks."""
    dilation: Count = 1
    """Ticks between two neighbours of a kernel; above 1 the kernel is spread, with holes."""
    groups: Count = 1
    """Groups of features with kernels of their own; as many as features make a depthwise convolution."""
    bias: bool = True
    """Add a learned constant to each output."""
    activation: Activation = "identity"
    """What is applied to the sums."""

    @property
    def outermost(self) -> tuple[str, str]:
        return self.activation, "activation"

    @property
    def reach(self) -> int:
        """Ticks from the first that a kernel sees to the last."""
        return (self.kernel - 1) * self.dilation

    @property
    def windows(self) -> Windows:
        """What the kernels see at each tick that they give."""
        raise NotImplementedError

    def convolved(self, x: Shape) -> Shape:
        """The type of the value. Raises: ShapeError."""
        check_time(x)
        self._sizes(x)
        y = Shape((self.filters,))
        check_activation(self.activation, y)
        return at_each_window(y, self.windows, x, "kernel")

    def parameters(self, x: Shape, **ports: Shape) -> dict[str, tuple[Axis, ...]]:
        return {"weight": self._sizes(x)} | ({"bias": (self.filters,)} if self.bias else {})

    def kept(self, x: Shape, **ports: Shape) -> Axis:
        return product((2 * self.windows.stride, x.size))

    def module(self, kind: type[Module], x: Shape) -> Module:
        """Such a module."""
        import torch

        from nnrun.registry.modules.init import initialize

        weight = initialize(torch.empty(*map(known, self._sizes(x))), self.init)
        return kind(weight, windows=self.windows, dilation=self.dilation, groups=self.groups, bias=self.bias, activation=self.activation)

    def _sizes(self, x: Shape) -> tuple[Axis, ...]:
        """Of all kernels."""
        seen = channels_of_a_group(features(x), self.filters, self.groups, "features", "a flat input with a known number of features")
        return self.filters, seen, self.kernel


@register
class ConvTime(TimeConvolution):
    """Slide learned kernels over the ticks of a sequence: each tick sees those around it.

    What lies before the first tick of an example and behind its last counts as zeros. `causal_conv` sees the past only, and goes on from
    piece to piece, so it has no `stride`.

    Shape: (N) or a number at each tick -> (filters) at each tick. With R = (kernel - 1) * dilation, tick t sees t - R // 2 to
    t + R - R // 2: where R is odd, one more of those to come. With `stride`, tick t sees R + 1 ticks from stride * t - before on, with
    before = max(R + 1 - stride, 0) // 2, and there are ceil(ticks / stride); with `padding: valid`, before is 0, and there are
    ceil((ticks - R) / stride). Other ticks than arrive lie along an axis of their own, such as `wave/2` or `wave-2/2` of `wave`, which
    nodes share that make it alike.
    Raises: InputError without a time axis, or if a tick is not flat; ShapeError if the groups do not divide features and filters, or
    if a kernel does not fit a known number of ticks.
    Source: Waibel et al. 1989, Phoneme recognition using time-delay neural networks; Kim 2014, Convolutional neural networks for
    sentence classification.
    """

    type: Literal["conv_time"]
    stride: Count = 1
    """Ticks between two places of a kernel; above 1 there are fewer ticks."""
    padding: Around = "same"
    """`same`: zeros around, so that only `stride` makes ticks fewer. `valid`: kernels lie within the sequence, and one that is too short
    for them has no tick left."""

    @property
    def looks_ahead(self) -> bool:
        return self.reach > 0 or self.stride > 1

    @property
    def windows(self) -> Windows:
        return Windows(self.reach + 1, self.stride, self.padding)

    def shape(self, x: Shape) -> Shape:
        return self.convolved(x)

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules import time_convolution

        return self.module(time_convolution.TimeConvolution, x)
