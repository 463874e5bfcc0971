"""Rates that fall by the same factor in equal times."""

from __future__ import annotations

from typing import Literal

from nnrun.registry.catalog import register
from nnrun.registry.options import Count, Portion
from nnrun.registry.schedules.warmup import Warmed


@register
class Step(Warmed):
    """Multiply the rate by `decay` after every `every` updates: factor = decay ^ floor(step / every).

    Source: He et al. 2016, Deep residual learning for image recognition, section 4.2.
    """

    type: Literal["step"]
    every: Count
    """Updates between two falls. An epoch has training examples / batch_size of them."""
    decay: Portion = 0.1
    """What the rate is multiplied by."""

    def after(self, step: int, steps: int) -> float:
        return float(self.decay ** (step // self.every))


@register
class Exponential(Warmed):
    """Let the rate fall a little with every update, by `decay` in `every` updates: factor = decay ^ (step / every).

    Source: Ioffe and Szegedy 2015, Batch normalization, section 4.2.1.
    """

    type: Literal["exponential"]
    every: Count
    """Updates in which the rate falls by `decay`. An epoch has training examples / batch_size of them."""
    decay: Portion = 0.1
    """What the rate is multiplied by in that time."""

    def after(self, step: int, steps: int) -> float:
        return float(self.decay ** (step / self.every))
