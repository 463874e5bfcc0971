"""Rates that reach their end with the training."""

from __future__ import annotations

from math import cos, pi
from typing import Literal

from nnrun.registry.catalog import register
from nnrun.registry.options import Positive, Rate
from nnrun.registry.schedules.warmup import Warmed, between


class Annealed(Warmed):
    """Base of the schedules that go from 1 to `end`."""

    end: Rate = 0.0
    """Share of the rate that is left when the training ends."""


@register
class Linear(Annealed):
    """Let the rate fall evenly: factor = 1 - (1 - end) * step / steps.

    Source: Devlin et al. 2019, BERT, appendix A.2.
    """

    type: Literal["linear"]

    def after(self, step: int, steps: int) -> float:
        return between(1.0, self.end, step / steps)


@register
class Polynomial(Annealed):
    """Let the rate fall by a power: factor = end + (1 - end) * (1 - step / steps) ^ power.

    Source: Chen et al. 2018, DeepLab, where the power is 0.9.
    """

    type: Literal["polynomial"]
    power: Positive = 2.0
    """1 is `linear`; more falls sooner, less falls later."""

    def after(self, step: int, steps: int) -> float:
        return between(self.end, 1.0, (1 - min(step / steps, 1.0)) ** self.power)


@register
class Cosine(Annealed):
    """Let the rate fall along half a cosine, slowly at both ends: factor = end + (1 - end) * (1 + cos(pi * step / steps)) / 2.

    Source: Loshchilov and Hutter 2017, SGDR: stochastic gradient descent with warm restarts, equation 5, without restarts.
    """

    type: Literal["cosine"]

    def after(self, step: int, steps: int) -> float:
        return between(self.end, 1.0, (1 + cos(pi * min(step / steps, 1.0))) / 2)
