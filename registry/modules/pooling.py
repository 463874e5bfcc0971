"""Pooling of one to three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnrun.registry.modules.image_padding import ImagePadding

_MAX = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
_MEAN = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)


class MaxPool(nn.Module):
    """Largest value in each window. Padding is never the largest.

    Shape: (B, C, *lengths) -> (B, C, *positions).
    """

    def __init__(self, size: Sequence[int], stride: Sequence[int], pads: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.size, self.stride = tuple(size), tuple(stride)
        self.padding = ImagePadding(pads, value=-inf)

    def forward(self, x: Tensor) -> Tensor:
        return _MAX[len(self.size) - 1](self.padding(x), self.size, self.stride, self.padding.inside)

    def extra_repr(self) -> str:
        return f"{self.size}, stride={self.stride}"


class MeanPool(nn.Module):
    """Mean of each window. Padding does not count, also in the number of values.

    Shape: (B, C, *lengths) -> (B, C, *positions).
    """

    counts: Tensor
    """How many values of each window are no padding."""

    def __init__(self, size: Sequence[int], stride: Sequence[int], pads: Sequence[tuple[int, int]], lengths: Sequence[int]) -> None:
        super().__init__()
        self.size, self.stride = tuple(size), tuple(stride)
        self.volume = prod(size)
        # avg_pool3d refuses a window larger than the image, even where padding makes room for it.
        self.padding = ImagePadding(pads, must=any(side > length for side, length in zip(size, lengths, strict=True)))
        if self.padding.copies:
            self.register_buffer("counts", (self._mean(torch.ones(1, 1, *lengths)) * self.volume).round(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        mean = self._mean(x)
        return mean * (self.volume / self.counts.to(mean.dtype)) if self.padding.copies else mean

    def _mean(self, x: Tensor) -> Tensor:
        pool = _MEAN[len(self.size) - 1]
        return pool(self.padding(x), self.size, self.stride, self.padding.inside, count_include_pad=False)

    def extra_repr(self) -> str:
        return f"{self.size}, stride={self.stride}"


class GlobalPool(nn.Module):
    """Mean or largest value of each channel.

    Shape: (…, C, *lengths) -> (…, C), with `axes` lengths.
    """

    def __init__(self, method: str, axes: int) -> None:
        super().__init__()
        self.method = method
        self.axes = tuple(range(-axes, 0))

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(self.axes) if self.method == "mean" else x.amax(self.axes)

    def extra_repr(self) -> str:
        return self.method
