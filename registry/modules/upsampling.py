"""Upsampling of one to three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

_LINEAR = ("linear", "bilinear", "trilinear")


class Upsample(nn.Module):
    """Enlarge an image by whole factors. Old and new pixels are areas with the same borders: torch's `align_corners=False`.

    Shape: (B, C, *lengths) -> (B, C, *(factor * length)).
    """

    def __init__(self, factor: Sequence[int], method: str) -> None:
        super().__init__()
        self.factor = tuple(map(float, factor))
        # torch's "nearest" multiplies by a rounded 1 / factor, and takes a wrong neighbour at some factors.
        self.mode = "nearest-exact" if method == "nearest" else _LINEAR[len(factor) - 1]

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=self.factor, mode=self.mode)

    def extra_repr(self) -> str:
        return f"{self.factor}, {self.mode}"
