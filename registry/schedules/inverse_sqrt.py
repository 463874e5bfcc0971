"""The schedule of the first transformer."""

from __future__ import annotations

from math import sqrt
from typing import Literal

from nnrun.registry.catalog import register
from nnrun.registry.options import Count
from nnrun.registry.training import Schedule


@register
class InverseSqrt(Schedule):
    """Rise evenly for `warmup` updates, then fall with the root of the step: factor = min(s / warmup, sqrt(warmup / s)).

    s counts updates from 1. `lr` is the peak, where the paper has the root of 1 / (units * warmup). Also called Noam.

    Source: Vaswani et al. 2017, Attention is all you need, equation 3.
    """

    type: Literal["inverse_sqrt"]
    warmup: Count = 4000
    """Updates until the peak."""

    def factor(self, step: int, steps: int) -> float:
        count = step + 1
        return min(count / self.warmup, sqrt(self.warmup / count))
