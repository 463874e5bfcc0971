"""Convolution along time. Values are (T, B, *axes); see padding.py."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnrun.registry.modules.activations import activation as function_named
from nnrun.registry.modules.padding import blank


class TimeConvolution(nn.Module):
    """Slide kernels over the ticks, with so many zeros before the first and behind each example's last.

    Shape: (T, B, N) or (T, B) -> (T, B, filters), where before + after = (kernel - 1) * dilation.
    """

    def __init__(
        self,
        weight: Tensor,
        *,
        before: int,
        after: int = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        activation: str = "identity",
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)  # (filters, N / groups, kernel)
        self.bias = nn.Parameter(torch.zeros(weight.shape[0])) if bias else None
        self.before, self.after, self.dilation, self.groups = before, after, dilation, groups
        self.activation = activation
        self.function = function_named(activation, axes=1, in_place=True)

    def forward(self, x: Tensor, *, lengths: Tensor | None = None) -> Tensor:
        return self.convolve(F.pad(self.flat(blank(x, lengths)), (0, 0, 0, 0, self.before, self.after)))

    def flat(self, x: Tensor) -> Tensor:
        """A single number at each tick is one feature."""
        return x if x.dim() == 3 else x.unsqueeze(2)

    def convolve(self, x: Tensor) -> Tensor:
        """Shape: (before + T + after, B, N) -> (T, B, filters)."""
        y = F.conv1d(x.permute(1, 2, 0), self.weight, self.bias, dilation=self.dilation, groups=self.groups)
        return self.function(y.permute(2, 0, 1))

    def extra_repr(self) -> str:
        options = f"before={self.before}, after={self.after}, dilation={self.dilation}, groups={self.groups}"
        return f"{tuple(self.weight.shape)}, {options}, bias={self.bias is not None}, activation={self.activation}"


class CausalConvolution(TimeConvolution):
    """The same over the ticks so far; zeros, or `initial`, stand before the first.

    Shape: x (T, B, *axes) -> y (T, B, filters), state (B, before, *axes): the last ticks, for those to come.
    """

    def forward(  # type: ignore[override]
        self, x: Tensor, *, lengths: Tensor | None = None, initial: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        before = x.new_zeros(self.before, *x.shape[1:]) if initial is None else initial.transpose(0, 1)
        ticks = torch.cat([before, blank(x, lengths)])
        return self.convolve(self.flat(ticks)), self._end(ticks, lengths)

    def _end(self, ticks: Tensor, lengths: Tensor | None) -> Tensor:
        if lengths is None:
            return ticks[len(ticks) - self.before :].transpose(0, 1)
        places = lengths.unsqueeze(1) + torch.arange(self.before, device=lengths.device)
        return ticks[places, torch.arange(len(lengths), device=lengths.device).unsqueeze(1)]
