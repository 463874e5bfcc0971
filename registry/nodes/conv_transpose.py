"""Transposed convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import image, known_lengths
from nnrun.registry.algebra.activations import Activation
from nnrun.registry.catalog import register
from nnrun.registry.node import Trainable
from nnrun.registry.nodes.activation import check_activation
from nnrun.registry.options import Count, Padding, Sides, per_axis
from nnrun.registry.shape import Axis, Shape, known
from nnrun.registry.spatial import Spread, channels_of_a_group, spread

if TYPE_CHECKING:
    from torch import nn


@register
class ConvTranspose(Trainable):
    """Enlarge an image by learned kernels: one is put at every pixel, weighted by the pixel, and where they overlap they add up.

    The way back of `conv` with the same options: its gradient, hence its shapes the other way round. One-, two- or
    three-dimensional by what arrives. A `kernel` that `stride` divides covers every pixel equally often; any other leaves a
    checkerboard pattern, which `upsample` and `conv` do not. The weight is (C, filters / groups, *kernel), as in torch.

    Shape: (C, H, W) -> (filters, H', W'), with H' = (H - 1) * stride + (kernel - 1) * dilation + 1 - padding, where padding is
    that of both sides together, and W' alike. `padding: same` gives H' = H * stride. (C, L) and (C, D, H, W) alike.
    Raises: ShapeError if the padding cuts off all, or the groups do not divide the channels.
    Source: Zeiler et al. 2010, Deconvolutional networks; Dumoulin and Visin 2016, A guide to convolution arithmetic, chapter 4.
    """

    type: Literal["conv_transpose"]
    filters: Count
    """Number of output channels."""
    kernel: Sides = 3
    """Size of a kernel, in pixels."""
    stride: Sides = 1
    """Pixels between the places of two kernels, hence how many times larger the image becomes."""
    padding: Padding = "valid"
    """`valid`: nothing is cut off. `same`: as much as leaves size * stride, as in Keras; an odd row or column goes below or right. A
    number: so many rows and columns off each side, as in torch. Where `kernel` is below `stride`, `same` adds pixels below and right
    that hold nothing but the bias; Keras adds them with `valid` too."""
    dilation: Sides = 1
    """Pixels between two neighbours of a kernel; above 1 the kernel is spread, with holes."""
    groups: Count = 1
    """Groups of channels with kernels of their own, which do not see each other."""
    bias: bool = True
    """Add a learned constant to each output channel."""
    activation: Activation = "identity"
    """What is applied to the sums."""

    @property
    def outermost(self) -> tuple[str, str]:
        return self.activation, "activation"

    def shape(self, x: Shape) -> Shape:
        y = Shape((self.filters, *self._spread(x).lengths))
        self._channels(x)
        check_activation(self.activation, y)
        return y

    def parameters(self, x: Shape) -> dict[str, tuple[Axis, ...]]:
        sizes = per_axis(self.kernel, len(x.axes) - 1)
        weight: dict[str, tuple[Axis, ...]] = {"weight": (x.axes[0], self.filters // self.groups, *sizes)}
        return weight | ({"bias": (self.filters,)} if self.bias else {})

    def build(self, x: Shape) -> nn.Module:
        import torch

        from nnrun.registry.modules.init import initialize
        from nnrun.registry.modules.transposed_convolution import TransposedConvolution

        lie = self._spread(x)
        weight = initialize(torch.empty(self.filters, known(self._channels(x)), *lie.size), self.init)
        weight = torch.cat([group.transpose(0, 1) for group in weight.chunk(self.groups)])
        return TransposedConvolution(
            weight,
            bias=self.bias,
            stride=lie.stride,
            crops=lie.crops,
            dilation=lie.dilation,
            groups=self.groups,
            activation=self.activation,
        )

    def _spread(self, x: Shape) -> Spread:
        lengths = known_lengths(image(x)[1])
        return spread(lengths, size=self.kernel, stride=self.stride, padding=self.padding, dilation=self.dilation)

    def _channels(self, x: Shape) -> Axis:
        """Channels that an output channel is made of."""
        return channels_of_a_group(image(x)[0], self.filters, self.groups, "channels", "an image with a known number of channels")
