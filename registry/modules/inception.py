"""Towers side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Inception(nn.Module):
    """Run towers on the same image and join their channels.

    Shape: (B, C, *lengths) -> (B, C1 + C2 + …, *lengths').
    """

    def __init__(self, towers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.towers = nn.ModuleList(towers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([tower(x) for tower in self.towers], dim=1)
