"""Convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import image, known_lengths
from nnrun.registry.algebra.activations import Activation
from nnrun.registry.catalog import register
from nnrun.registry.node import Trainable
from nnrun.registry.nodes.activation import check_activation
from nnrun.registry.options import Count, Padding, Sides, per_axis
from nnrun.registry.shape import Axis, Shape, known
from nnrun.registry.spatial import Windows, channels_of_a_group, windows

if TYPE_CHECKING:
    from torch import nn


@register
class Conv(Trainable):
    """Slide learned kernels over a row, an image or a volume.

    One-, two- or three-dimensional by what arrives. `groups` parts the channels in as many groups that do not see each
    other; as many groups as channels make a depthwise convolution.

    Shape: (C, H, W) -> (filters, H', W'), with H' = (H + padding - (kernel - 1) * dilation - 1) // stride + 1, where padding
    is that of both sides together, and W' alike. `padding: same` gives H' = ceil(H / stride). (C, L) and (C, D, H, W) alike.
    Raises: ShapeError if the kernel does not fit the padded image, or the groups do not divide the channels.
    Source: LeCun et al. 1998, Gradient-based learning applied to document recognition, section II.A.
    """

    type: Literal["conv"]
    filters: Count
    """Number of kernels, hence of output channels."""
    kernel: Sides = 3
    """Size of a kernel, in pixels."""
    stride: Sides = 1
    """Pixels between two positions of a kernel."""
    padding: Padding = "valid"
    """`valid`: none. `same`: zeros, as many as give ceil(size / stride) positions; an odd row or column comes below or
    right. A number: so many zeros on each side."""
    dilation: Sides = 1
    """Pixels between two neighbours of a kernel; above 1 the kernel is spread, with holes."""
    groups: Count = 1
    """Groups of channels with kernels of their own."""
    bias: bool = True
    """Add a learned constant to each output channel."""
    activation: Activation = "identity"
    """What is applied to the sums."""

    @property
    def outermost(self) -> tuple[str, str]:
        return self.activation, "activation"

    def shape(self, x: Shape) -> Shape:
        y = Shape((self.filters, *self._windows(x).positions))
        self._channels(x)
        check_activation(self.activation, y)
        return y

    def parameters(self, x: Shape) -> dict[str, tuple[Axis, ...]]:
        weight: dict[str, tuple[Axis, ...]] = {"weight": (self.filters, self._channels(x), *per_axis(self.kernel, len(x.axes) - 1))}
        return weight | ({"bias": (self.filters,)} if self.bias else {})

    def build(self, x: Shape) -> nn.Module:
        import torch

        from nnrun.registry.modules.convolution import Convolution
        from nnrun.registry.modules.init import initialize

        lie = self._windows(x)
        weight = initialize(torch.empty(self.filters, known(self._channels(x)), *lie.size), self.init)
        return Convolution(
            weight, bias=self.bias, stride=lie.stride, pads=lie.pads, dilation=lie.dilation, groups=self.groups, activation=self.activation
        )

    def _windows(self, x: Shape) -> Windows:
        lengths = known_lengths(image(x)[1])
        return windows(lengths, option="kernel", size=self.kernel, stride=self.stride, padding=self.padding, dilation=self.dilation)

    def _channels(self, x: Shape) -> Axis:
        """Channels that a kernel sees."""
        return channels_of_a_group(image(x)[0], self.filters, self.groups, "channels", "an image with a known number of channels")
