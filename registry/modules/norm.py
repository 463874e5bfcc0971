"""Batch normalisation that can do without a batch."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from nnrun.registry.modules import chance


class BatchNorm(nn.Module):
    """Normalise each channel over batch and space.

    torch refuses one value per channel while training; here it is normalised by the running means, which stay as they are.

    Shape: (M, C, *lengths) -> the same; or (M,) -> (M,).
    Source: Ioffe and Szegedy 2015, algorithms 1 and 2.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, *, momentum: float = 0.1, eps: float = 1e-5, affine: bool = True, scale: float = 1.0) -> None:
        super().__init__()
        self.channels, self.momentum, self.eps = channels, momentum, eps
        self.weight = nn.Parameter(torch.full((channels,), scale)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 1:
            return self.forward(x.unsqueeze(1)).squeeze(1)
        share = chance.shared() if self.training else None
        if share is not None:
            return self._with_others(x, share)
        from_batch = self.training and x.numel() > self.channels
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, from_batch, self.momentum, self.eps)

    def _with_others(self, x: Tensor, share: chance.Share) -> Tensor:
        """The same over the whole batch, of which other processes compute the rest.

        Source: Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance, equation 1.5.
        """
        axes = [0, *range(2, x.dim())]
        own = x.float()
        counted = float(share.count > 0)
        count, total = own.new_full((1,), counted * own.numel() / self.channels), counted * own.sum(axes)
        squares = counted * ((own - _over(total / count.clamp(min=1), own)) ** 2).sum(axes)
        parts: Tensor = _Gathered.apply(torch.cat([count, total, squares]))  # type: ignore[no-untyped-call]
        counts, totals, squares = torch.split(parts, [1, self.channels, self.channels], dim=1)
        means, whole = totals / counts.clamp(min=1), counts.sum()
        mean = (counts * means).sum(0) / whole
        var = (squares + counts * (means - mean) ** 2).sum(0) / whole
        if whole > 1:
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * whole / (whole - 1), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        y = (own - _over(mean, own)) * _over((var + self.eps).rsqrt(), own)
        if self.weight is not None and self.bias is not None:
            y = y * _over(self.weight, y) + _over(self.bias, y)
        return y.to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.channels}, momentum={self.momentum}, eps={self.eps}, affine={self.weight is not None}"


class _Gathered(torch.autograd.Function):
    """Numbers of all processes, (N) -> (processes, N); a gradient is the sum of those of all."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        parts = [torch.empty_like(own) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, own)
        return torch.stack(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous()
        dist.all_reduce(gradient)
        return gradient[dist.get_rank()]


def _over(channels: Tensor, x: Tensor) -> Tensor:
    """One number a channel, beside (M, C, *lengths)."""
    return channels.view(1, -1, *[1] * (x.dim() - 2))
