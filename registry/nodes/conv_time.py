"""Convolution along time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import features
from nnrun.registry.algebra.activations import Activation
from nnrun.registry.catalog import register
from nnrun.registry.node import Trainable
from nnrun.registry.nodes.activation import check_activation
from nnrun.registry.options import Count
from nnrun.registry.sequence import check_time
from nnrun.registry.shape import Axis, Shape, known, product
from nnrun.registry.spatial import channels_of_a_group

if TYPE_CHECKING:
    from torch import nn

    from nnrun.registry.modules.time_convolution import TimeConvolution as Module


class TimeConvolution(Trainable):
    """Base of the convolutions along time: kernels that slide over the ticks of a sequence, and give as many."""

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

    def convolved(self, x: Shape) -> Shape:
        """The type of the value. Raises: ShapeError."""
        check_time(x)
        self._sizes(x)
        y = Shape((self.filters,))
        check_activation(self.activation, y)
        return y.along(x.time, x.ticks)

    def parameters(self, x: Shape, **ports: Shape) -> dict[str, tuple[Axis, ...]]:
        return {"weight": self._sizes(x)} | ({"bias": (self.filters,)} if self.bias else {})

    def kept(self, x: Shape, **ports: Shape) -> Axis:
        return product((2, x.size))

    def module(self, kind: type[Module], x: Shape, **around: int) -> Module:
        """Such a module; `around` are the ticks that a kernel sees before the current one, and after it."""
        import torch

        from nnrun.registry.modules.init import initialize

        weight = initialize(torch.empty(*map(known, self._sizes(x))), self.init)
        return kind(weight, dilation=self.dilation, groups=self.groups, bias=self.bias, activation=self.activation, **around)

    def _sizes(self, x: Shape) -> tuple[Axis, ...]:
        """Of all kernels."""
        seen = channels_of_a_group(features(x), self.filters, self.groups, "features", "a flat input with a known number of features")
        return self.filters, seen, self.kernel


@register
class ConvTime(TimeConvolution):
    """Slide learned kernels over the ticks of a sequence: each tick sees those around it.

    What lies before the first tick of an example and behind its last counts as zeros. `causal_conv` sees the past only.

    Shape: (N) or a number at each tick -> (filters) at each tick. With R = (kernel - 1) * dilation, tick t sees t - R // 2 to
    t + R - R // 2: where R is odd, one more of those to come.
    Raises: InputError without a time axis, or if a tick is not flat; ShapeError if the groups do not divide features and filters.
    Source: Waibel et al. 1989, Phoneme recognition using time-delay neural networks; Kim 2014, Convolutional neural networks for
    sentence classification.
    """

    type: Literal["conv_time"]

    @property
    def looks_ahead(self) -> bool:
        return self.reach > 0

    def shape(self, x: Shape) -> Shape:
        return self.convolved(x)

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules import time_convolution

        before = self.reach // 2
        return self.module(time_convolution.TimeConvolution, x, before=before, after=self.reach - before)
