"""Symmetric edges: one weight tensor, read in both directions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

START = 0.01
"""Standard deviation of the weights at the start.

Source: Hinton 2010, A practical guide to training restricted Boltzmann machines, section 8.
"""


class Coupling(nn.Module):
    """Weights W between two groups: y gets x W, x gets y W'. Within one group (`lateral`) W is symmetric with zero diagonal.

    `pairs` are the units that are coupled, where not all are; all other weights are zero and stay so, because what W may not have is
    taken out of every gradient.

    Shape: W (N, M).
    """

    def __init__(self, first: int, second: int, *, lateral: bool = False, pairs: Sequence[tuple[int, int]] | None = None) -> None:
        super().__init__()
        self.lateral = lateral
        self.mask: Tensor | None
        self.register_buffer("mask", None if pairs is None else _mask(first, second, lateral, pairs), persistent=False)
        self.weight = nn.Parameter(self.allowed(torch.randn(first, second) * START))
        self.weight.register_hook(self.tied)  # type: ignore[no-untyped-call]

    def allowed(self, w: Tensor) -> Tensor:
        """The nearest weights that the edge may have."""
        if self.lateral:
            w = ((w + w.T) / 2).fill_diagonal_(0)
        return w if self.mask is None else w * self.mask

    def tied(self, gradient: Tensor) -> Tensor:
        """The derivative by the weights that are free: one of a lateral edge stands in two places of W."""
        if self.lateral:
            gradient = (gradient + gradient.T).fill_diagonal_(0)
        return gradient if self.mask is None else gradient * self.mask

    def extra_repr(self) -> str:
        return f"{tuple(self.weight.shape)}, lateral={self.lateral}"


def _mask(first: int, second: int, lateral: bool, pairs: Sequence[tuple[int, int]]) -> Tensor:
    mask = torch.zeros(first, second)
    if pairs:
        ones, others = torch.tensor(pairs).unbind(1)
        mask[ones, others] = 1
        if lateral:
            mask[others, ones] = 1
    return mask
