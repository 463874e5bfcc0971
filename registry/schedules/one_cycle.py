"""One rise and one fall."""

from __future__ import annotations

from math import cos, pi
from typing import Literal

from nnrun.registry.catalog import register
from nnrun.registry.options import Portion, Rate
from nnrun.registry.schedules.warmup import between
from nnrun.registry.training import Schedule


@register
class OneCycle(Schedule):
    """Rise to a large rate, then fall to next to none, both along half a cosine. `lr` is the peak.

    Source: Smith and Topin 2018, Super-convergence: very fast training of neural networks using large learning rates.
    """

    type: Literal["one_cycle"]
    rise: Portion = 0.3
    """Share of the training in which the rate rises."""
    start: Portion = 0.04
    """Share of `lr` at the first update."""
    end: Rate = 4e-6
    """Share of `lr` at the last update."""

    def factor(self, step: int, steps: int) -> float:
        peak, last = self.rise * steps - 1, steps - 1
        if step <= peak:
            return _along_cosine(self.start, 1.0, step / peak if peak else 1.0)
        return _along_cosine(1.0, self.end, (step - peak) / (last - peak) if last > peak else 1.0)


def _along_cosine(start: float, end: float, share: float) -> float:
    return between(start, end, (1 - cos(pi * min(share, 1.0))) / 2)
