"""Convolution of one to three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnrun.registry.modules.activations import activation as function_named
from nnrun.registry.modules.image_padding import ImagePadding

_CONVOLVE = (F.conv1d, F.conv2d, F.conv3d)


class Convolution(nn.Module):
    """Slide kernels over an image; the padding may differ before and after.

    Shape: (B, C, *lengths) -> (B, filters, *positions).
    """

    def __init__(
        self,
        weight: Tensor,
        *,
        stride: Sequence[int],
        pads: Sequence[tuple[int, int]],
        dilation: Sequence[int],
        groups: int = 1,
        bias: bool = True,
        activation: str = "identity",
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)  # (filters, C / groups, *kernel)
        self.bias = nn.Parameter(torch.zeros(weight.shape[0])) if bias else None
        self.padding = ImagePadding(pads)
        self.stride, self.dilation, self.groups = tuple(stride), tuple(dilation), groups
        self.activation = activation
        self.function = function_named(activation, axes=weight.dim() - 1, in_place=True)

    def forward(self, x: Tensor) -> Tensor:
        convolve = _CONVOLVE[self.weight.dim() - 3]
        y = convolve(self.padding(x), self.weight, self.bias, self.stride, self.padding.inside, self.dilation, self.groups)
        return self.function(y)

    def extra_repr(self) -> str:
        options = f"stride={self.stride}, dilation={self.dilation}, groups={self.groups}"
        return f"{tuple(self.weight.shape)}, {options}, bias={self.bias is not None}, activation={self.activation}"
