"""Connectionist temporal classification: the loss of a text that is told without saying when."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnrun.registry.data.tokens import PADDING
from nnrun.registry.modules.losses import exact

BLANK = PADDING
"""The symbol of a frame that spells none: the one that no text holds."""


class Sequences(NamedTuple):
    """The sequences of a batch, whole."""

    values: Tensor
    """(T, B, *axes), padded."""
    lengths: Tensor
    """Real ticks of each, (B,), where the processor reads them."""


class CTC(nn.Module):
    """Minus the log probability of a text: the sum over all ways to spread it over the frames.

    Shape: input (T, B, K) and target (S, B) with whole numbers from 1 to K - 1 -> two scalars; the weight of each example is 1.
    """

    def forward(self, input: Sequences, target: Sequences) -> tuple[Tensor, Tensor]:
        losses, weights = self.each(input, target)
        return losses.sum(), weights.sum()

    def weight(self, target: Sequences) -> Tensor:
        return self.weights(target).sum()

    def weights(self, target: Sequences) -> Tensor:
        return torch.ones(len(target.lengths), device=target.values.device)

    def each(self, input: Sequences, target: Sequences) -> tuple[Tensor, Tensor]:
        log_p = exact(input.values).log_softmax(-1)
        losses = F.ctc_loss(log_p, target.values.T, input.lengths, target.lengths, BLANK, reduction="none")
        return losses, self.weights(target)


def frames_needed(target: Tensor, lengths: Tensor) -> Tensor:
    """Of texts (B, S), the fewest frames that can spell each, (B,): one for each symbol, and a blank between two that are alike."""
    behind = torch.arange(1, target.shape[1], device=target.device)
    again = (target[:, 1:] == target[:, :-1]) & (behind < lengths.unsqueeze(1))
    return lengths + again.sum(1)
