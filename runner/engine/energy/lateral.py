"""Units of one group that are coupled with each other, sampled one after the other.

Dense weights: unit by unit, in blocks. The fields of a block come from one product; within the block each change of a unit is added to
the fields of those behind it. To the units this is the same as one by one. Sparse weights: the units of a colour at once, each
from its few neighbours.

All of it works on transposed states (N, B), whose rows are contiguous.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

BLOCK = 64
"""Units of a block: more make the products larger, and the rank-one changes within a block, too."""

SLACK = 1e-5
"""At temperature 0 a field so small, in units of the largest weight, is a tie: its sign would be one of rounding."""


def sweep_dense(weight: Tensor, states: Tensor, base: Tensor, values: tuple[float, float], slack: float = 0.0, block: int = BLOCK) -> None:
    """Set each two-valued unit in its turn: to the higher value where its field is above zero, to the lower where it is below.

    A field of at most `slack` leaves the unit as it is. `base` is what reaches the units from elsewhere, less the thresholds of a sampler.
    Shape: weight (N, N), symmetric with zero diagonal; states and base (N, B). Changes `states`.
    """
    low, high = values
    if values != (-1.0, 1.0):  # as signs, so that the inner loop has one operation less
        middle, half = (high + low) / 2, (high - low) / 2
        signs = (states - middle) / half
        shifted = base + middle * weight.sum(1, keepdim=True)
        sweep_dense(weight * half, signs, shifted, (-1.0, 1.0), slack, block)
        states.copy_(signs * half + middle)
        return
    hold = max(slack, torch.finfo(states.dtype).tiny)
    for start in range(0, len(states), block):
        now, inner = states[start : start + block], weight[start : start + block, start : start + block]
        fields = torch.addmm(base[start : start + block], weight[start : start + block], states).add_(now, alpha=hold)
        first = 0
        if states.device.type == "cpu":  # a GPU would have to be waited for
            changes = (fields.sign() != now).any(1).nonzero()
            if not len(changes):
                continue
            first = int(changes[0])  # the units before it stay as they are
        moves = torch.zeros_like(now)
        rows, olds, couplings = fields.unbind(), now.unbind(), inner.unbind()
        for unit in range(first, len(now)):
            field = torch.addmv(rows[unit], moves[first:unit].T, couplings[unit][first:unit]) if unit > first else rows[unit]
            torch.sub(field.sign_(), olds[unit], out=moves[unit])
        now += moves


def neighbours(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Of a sparse coupling: the neighbours of each unit, (N, most), and which of these places are filled."""
    most = max(1, int(mask.sum(1).max()))
    found = mask.topk(most, dim=1)
    return found.indices, found.values > 0


def sparse_field(weight: Tensor, states: Tensor, units: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
    """What reaches some units from their neighbours. Shape: weight (N, N), states (N, B), units (U,) -> (U, B)."""
    near, filled = table[0][units], table[1][units]
    weights = torch.where(filled, weight[units.unsqueeze(1), near], 0)
    return (weights.unsqueeze(2) * states[near]).sum(1)


def as_indices(colours: Sequence[Sequence[int]], device: torch.device) -> list[Tensor]:
    """Units by colour, as tensors."""
    return [torch.tensor(colour, device=device) for colour in colours]
