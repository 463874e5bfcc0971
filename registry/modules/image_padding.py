"""Zeros, or another value, around images."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class ImagePadding(nn.Module):
    """Padding that may differ before and after, as TensorFlow and Keras have it in `same`.

    The convolutions and pools of torch pad both sides of an axis alike, without a copy of the image. So the even case is
    left to them: they get `inside`, and this module changes nothing. Only where the sides differ, or where it `must`, is
    the image copied.

    Shape: (B, C, *lengths) -> (B, C, *(before + length + after)), or unchanged.
    """

    def __init__(self, pads: Sequence[tuple[int, int]], value: float = 0.0, must: bool = False) -> None:
        super().__init__()
        self.pads = tuple(pads)
        self.value = value
        self.copies = must or any(before != after for before, after in self.pads)
        self.inside = tuple(0 if self.copies else before for before, _ in self.pads)
        # F.pad counts axes from the last.
        self.outside = [amount for pair in reversed(self.pads) for amount in pair]

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.outside, value=self.value) if self.copies else x

    def extra_repr(self) -> str:
        return f"{self.pads}, value={self.value}"
