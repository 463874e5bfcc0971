"""Upsampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import image
from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.options import Sides
from nnrun.registry.shape import Shape, product
from nnrun.registry.spatial import each_axis

if TYPE_CHECKING:
    from torch import nn


@register
class Upsample(Node):
    """Enlarge an image by a whole factor, without weights.

    One-, two- or three-dimensional by what arrives. Old and new pixels are areas with the same borders, as in Keras (in torch,
    `align_corners=False`).

    Shape: (C, H, W) -> (C, factor * H, factor * W), (C, L) and (C, D, H, W) alike.
    Raises: ShapeError if there are not as many factors as spatial axes.
    Source: Odena, Dumoulin and Olah 2016, Deconvolution and checkerboard artifacts.
    """

    type: Literal["upsample"]
    factor: Sides = 2
    """How many times larger the image becomes."""
    method: Literal["nearest", "bilinear"] = "nearest"
    """`nearest`: each pixel is repeated. `bilinear`: what lies between the centres of old pixels is their mean, weighted by how near
    they are, along every axis of a row, an image or a volume; outside the centres the border is repeated."""

    def shape(self, x: Shape) -> Shape:
        channels, lengths = image(x)
        return Shape((channels, *(product((length, factor)) for length, factor in zip(lengths, self._factors(x), strict=True))))

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules.upsampling import Upsample as Module

        return Module(self._factors(x), self.method)

    def _factors(self, x: Shape) -> tuple[int, ...]:
        return each_axis("factor", self.factor, len(image(x)[1]))
