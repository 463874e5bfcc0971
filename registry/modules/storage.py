"""Weights of a Hopfield net from its patterns, in one go. Patterns are (P, N) of -1 and +1; weights (N, N), zero diagonal."""

from __future__ import annotations

import torch
from torch import Tensor


def hebbian(patterns: Tensor) -> Tensor:
    """w_ij = 1/N sum over patterns of x_i x_j. Source: Hopfield 1982, equation 2, with states -1/+1."""
    return (patterns.T @ patterns / patterns.shape[1]).fill_diagonal_(0)


def storkey(patterns: Tensor) -> Tensor:
    """w_ij += (x_i x_j - x_i h_ji - h_ij x_j) / N for each pattern, with h_ij the field of i without what comes from i and j.

    Source: Storkey 1997, equations 2 and 3.
    """
    count = patterns.shape[1]
    weight: Tensor = patterns.new_zeros(count, count)
    for x in patterns:
        # h_ij = field_i - w_ii x_i - w_ij x_j, and the diagonal is zero; the diagonal of the update is dropped
        local = torch.outer(weight @ x, torch.ones_like(x)) - weight * x
        crossed = x.unsqueeze(1) * local.T
        weight += (torch.outer(x, x) - crossed - crossed.T) / count
        weight.fill_diagonal_(0)
    return weight


def pseudo_inverse(patterns: Tensor) -> Tensor:
    """The orthogonal projection onto the patterns, without its diagonal. Source: Personnaz, Guyon and Dreyfus 1985, equation 6."""
    projection: Tensor = torch.linalg.pinv(patterns) @ patterns
    return ((projection + projection.T) / 2).fill_diagonal_(0)
