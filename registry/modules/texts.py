"""Meters of texts: `update` takes a list of texts that were written, and a list of what they should have been."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.text import SacreBLEUScore


class Equal(Metric):
    """Share of the texts that are right to the letter."""

    full_state_update = False
    right: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("right", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, written: Sequence[str], true: Sequence[str]) -> None:
        self.right = self.right + sum(one == other for one, other in zip(written, true, strict=True))
        self.count = self.count + len(true)

    def compute(self) -> Tensor:
        return self.right / self.count


class Bleu(SacreBLEUScore):
    """torchmetrics' own, for one true text each, from 0 to 100."""

    def update(self, written: Sequence[str], true: Sequence[str]) -> None:  # type: ignore[override]
        super().update(written, [[text] for text in true])

    def compute(self) -> Tensor:
        return 100 * super().compute()
