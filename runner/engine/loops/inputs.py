"""What a program is run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Inputs:
    """The tensors of a program. All widths are the last axis; a single number has a width of 1."""

    sums: tuple[Tensor, ...]
    """Of each block of the layout, what has left the loop, with the bias: (T, B, width), contiguous, which the loop writes
    over, or (1, B, width) or (1, 1, width) at all ticks alike."""
    outers: Mapping[str, Tensor]
    """Values read entry by entry: (T, B, width), or (1, B, width) where they are not along time."""
    weights: Mapping[str, Tensor]
    """(width, N) by full name."""
    initial: Mapping[str, Tensor]
    """(depth, B, width) by value: its ticks -depth to -1, the oldest first."""
    ticks: int
    batch: int
    lengths: Tensor | None = None
    """Real ticks of each example, (B,). At padded ticks values are zeros and no gradient arrives."""
