"""Which symbols a sequence may hold."""

from __future__ import annotations

from torch import Tensor

from nnrun.registry.data.tokens import BEGIN, PADDING

NEVER = float("-inf")
"""Score of a symbol that is not chosen."""


def allowed(scores: Tensor) -> Tensor:
    """Scores without the symbols that no sequence holds: nothing is ever padding, or the begin symbol."""
    scores = scores.float().clone()
    scores[..., PADDING] = scores[..., BEGIN] = NEVER
    return scores
