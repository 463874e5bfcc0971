"""Dropout that can drop the same entries at every tick."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nnrun.registry.modules.chance import dropped, kept


class Dropout(nn.Module):
    """While training, set entries to zero by chance, and scale up the others so that the mean stays.

    Shape: (…, B, *axes) -> the same, where leading axes are ticks; with `same`, they share the entries that are dropped.
    """

    def __init__(self, rate: float, *, axes: int, same: bool = False) -> None:
        super().__init__()
        self.rate, self.axes, self.same = rate, axes, same

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.rate:
            return x
        if self.same and x.dim() > self.axes + 1:
            return x * self.mask(x[:1])
        return dropped(x, self.rate, self._examples(x))

    def mask(self, like: Tensor) -> Tensor:
        """The factors of a value, those of a batch's ticks or of all ticks at once: zeros and 1 / (1 - rate); ones when not training."""
        return kept(like, self.rate, self._examples(like)) if self.training else torch.ones_like(like)

    def _examples(self, x: Tensor) -> int:
        """The axis along which the examples of a batch lie."""
        return x.dim() - self.axes - 1

    def extra_repr(self) -> str:
        return f"rate={self.rate}, same={self.same}"
