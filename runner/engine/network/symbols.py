"""Which symbols a sequence may hold."""

from __future__ import annotations

from torch import Tensor

from nnrun.registry.data.tokens import BEGIN, PADDING, UNKNOWN

NEVER = float("-inf")
"""Score of a symbol that is not chosen."""


def allowed(scores: Tensor, *, unknown: bool = False) -> Tensor:
    """Scores without the symbols that no sequence holds: nothing is ever padding, or the begin symbol.

    Nor is anything written as unknown: what was given, such as a prompt, may hold `unknown` words.
    """
    scores = scores.float().clone()
    scores[..., PADDING] = scores[..., BEGIN] = NEVER
    if not unknown:
        scores[..., UNKNOWN] = NEVER
    return scores
