"""What meters of texts take from torchmetrics. `update` takes lists of texts: those that were written, and those that should have been."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics.text import SacreBLEUScore

from nnrun.registry.modules.library import Library


class _Bleu(SacreBLEUScore):
    """torchmetrics' own, for one true text each, from 0 to 100."""

    def update(self, written: Sequence[str], true: Sequence[str]) -> None:  # type: ignore[override]
        super().update(written, [[text] for text in true])

    def compute(self) -> Tensor:
        return 100 * super().compute()


def bleu(tokenize: str) -> Library:
    """A meter of translations. `tokenize` is how sacrebleu cuts them into words."""
    return Library(_Bleu(tokenize=tokenize).set_dtype(torch.float64))  # type: ignore[arg-type]
