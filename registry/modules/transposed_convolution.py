"""Transposed convolution of one to three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnrun.registry.modules.activations import activation as function_named

_SPREAD = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


class TransposedConvolution(nn.Module):
    """Put a kernel at every pixel, weighted by the pixel, and add up; the crop may differ before and after.

    torch cuts as much off the end as off the begin, or less. So where more goes from the end, the rest of it is cut off here.

    Shape: (B, C, *lengths) -> (B, filters, *larger).
    """

    def __init__(
        self,
        weight: Tensor,
        *,
        stride: Sequence[int],
        crops: Sequence[tuple[int, int]],
        dilation: Sequence[int],
        groups: int = 1,
        bias: bool = True,
        activation: str = "identity",
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)  # (C, filters / groups, *kernel)
        self.bias = nn.Parameter(torch.zeros(weight.shape[1] * groups)) if bias else None
        self.stride, self.dilation, self.groups = tuple(stride), tuple(dilation), groups
        self.padding = tuple(before for before, _ in crops)
        self.added = tuple(max(before - after, 0) for before, after in crops)
        # F.pad counts axes from the last.
        self.rest = [amount for before, after in reversed(crops) for amount in (0, min(before - after, 0))]
        self.activation = activation
        self.function = function_named(activation, axes=weight.dim() - 1, in_place=True)

    def forward(self, x: Tensor) -> Tensor:
        spread = _SPREAD[self.weight.dim() - 3]
        y = spread(x, self.weight, self.bias, self.stride, self.padding, self.added, self.groups, self.dilation)
        return self.function(F.pad(y, self.rest) if any(self.rest) else y)

    def extra_repr(self) -> str:
        options = f"stride={self.stride}, dilation={self.dilation}, groups={self.groups}"
        return f"{tuple(self.weight.shape)}, {options}, bias={self.bias is not None}, activation={self.activation}"
