"""Convolution along time. Values are (T, B, *axes); see padding.py."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnrun.registry.algebra.ticks import Windows
from nnrun.registry.modules.activations import activation as function_named
from nnrun.registry.modules.padding import blank, under


class TimeConvolution(nn.Module):
    """Slide kernels over the ticks, with zeros where they reach beyond the first or an example's last.

    Shape: (T, B, N) or (T, B) -> (T', B, filters), with as many ticks as `windows` gives.
    """

    def __init__(
        self,
        weight: Tensor,
        *,
        windows: Windows,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        activation: str = "identity",
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)  # (filters, N / groups, kernel)
        self.bias = nn.Parameter(torch.zeros(weight.shape[0])) if bias else None
        self.windows, self.dilation, self.groups = windows, dilation, groups
        self.activation = activation
        self.function = function_named(activation, axes=1, in_place=True)

    def forward(self, x: Tensor, *, lengths: Tensor | None = None) -> Tensor:
        return self.convolve(under(self.flat(blank(x, lengths)), self.windows))

    def flat(self, x: Tensor) -> Tensor:
        """A single number at each tick is one feature."""
        return x if x.dim() == 3 else x.unsqueeze(2)

    def convolve(self, x: Tensor) -> Tensor:
        """Shape: (T, B, N) -> (T', B, filters), without any zeros around."""
        y = F.conv1d(x.permute(1, 2, 0), self.weight, self.bias, stride=self.windows.stride, dilation=self.dilation, groups=self.groups)
        return self.function(y.permute(2, 0, 1))

    def extra_repr(self) -> str:
        options = f"{self.windows}, dilation={self.dilation}, groups={self.groups}"
        return f"{tuple(self.weight.shape)}, {options}, bias={self.bias is not None}, activation={self.activation}"


class CausalConvolution(TimeConvolution):
    """The same over the ticks so far; zeros, or `initial`, stand before the first.

    Shape: x (T, B, *axes) -> y (T, B, filters), state (B, depth, *axes): the last ticks, for those to come.
    """

    @property
    def depth(self) -> int:
        """Ticks before the current one that a kernel sees."""
        return self.windows.size - 1

    def forward(  # type: ignore[override]
        self, x: Tensor, *, lengths: Tensor | None = None, initial: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        before = x.new_zeros(self.depth, *x.shape[1:]) if initial is None else initial.transpose(0, 1)
        ticks = torch.cat([before, blank(x, lengths)])
        return self.convolve(self.flat(ticks)), self._end(ticks, lengths)

    def _end(self, ticks: Tensor, lengths: Tensor | None) -> Tensor:
        if lengths is None:
            return ticks[len(ticks) - self.depth :].transpose(0, 1)
        places = lengths.unsqueeze(1) + torch.arange(self.depth, device=lengths.device)
        return ticks[places, torch.arange(len(lengths), device=lengths.device).unsqueeze(1)]
