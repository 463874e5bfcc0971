"""Batch normalisation that can do without a batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
        from_batch = self.training and x.numel() > self.channels
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, from_batch, self.momentum, self.eps)

    def extra_repr(self) -> str:
        return f"{self.channels}, momentum={self.momentum}, eps={self.eps}, affine={self.weight is not None}"
