"""Pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import image, known_lengths
from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.options import Padding, Sides
from nnrun.registry.shape import Shape, ShapeError
from nnrun.registry.spatial import Windows, windows

if TYPE_CHECKING:
    from torch import nn


@register
class Pool(Node):
    """Shrink an image: keep the largest value, or the mean, of each window.

    One-, two- or three-dimensional by what arrives. Padding is never the largest value and takes no part in a mean, as in
    Keras (in torch, `count_include_pad=False`).

    Shape: (C, H, W) -> (C, H', W'), with H' = (H + 2 * padding - size) // stride + 1, or ceil(H / stride) with
    `padding: same`, and W' alike. (C, L) and (C, D, H, W) alike.
    Raises: ShapeError if a window does not fit the padded image, or more than half of it may be padding.
    Source: Scherer, Müller and Behnke 2010, Evaluation of pooling operations in convolutional architectures.
    """

    type: Literal["pool"]
    method: Literal["max", "mean"] = "max"
    """What is kept of a window."""
    size: Sides = 2
    """Size of a window, in pixels."""
    stride: Sides | None = None
    """Pixels between two windows; `size` where left out, so that windows neither overlap nor leave gaps."""
    padding: Padding = "valid"
    """`valid`: none. `same`: as much as gives ceil(size / stride) positions; an odd row or column comes below or right.
    A number: so much on each side, at most half a window."""

    def shape(self, x: Shape) -> Shape:
        return Shape((image(x)[0], *self._windows(x).positions))

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules.pooling import MaxPool, MeanPool

        lie = self._windows(x)
        if self.method == "max":
            return MaxPool(lie.size, lie.stride, lie.pads)
        return MeanPool(lie.size, lie.stride, lie.pads, known_lengths(x.axes[1:]))

    def _windows(self, x: Shape) -> Windows:
        lengths = known_lengths(image(x)[1])
        stride = self.size if self.stride is None else self.stride
        lie = windows(lengths, option="size", size=self.size, stride=stride, padding=self.padding)
        for side, (before, _) in zip(lie.size, lie.pads, strict=True):
            if before > side // 2:
                raise ShapeError(f"`padding` is at most half of `size`, {side // 2}, got {before}", field="padding")
        return lie


@register
class GlobalPool(Node):
    """Keep one number of each channel: the mean, or the largest value, of all its pixels.

    Shape: (C, H, W), (C, L) or (C, D, H, W) -> (C).
    Source: Lin, Chen and Yan 2014, Network in network, section 3.2.
    """

    batch = "any"

    type: Literal["global_pool"]
    method: Literal["mean", "max"] = "mean"
    """What is kept of a channel."""

    def shape(self, x: Shape) -> Shape:
        return Shape((image(x)[0],))

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules.pooling import GlobalPool as Module

        return Module(self.method, axes=len(x.axes) - 1)
