"""A rate that falls when a figure no longer gets better."""

from __future__ import annotations

from dataclasses import replace
from math import isnan
from typing import Literal

from pydantic import Field

from nnrun.registry.catalog import register
from nnrun.registry.options import Amount, Count, NonNegative, Portion
from nnrun.registry.schedules.warmup import Warmed
from nnrun.registry.training import Seen, Watching


@register
class ReduceOnPlateau(Watching, Warmed):
    """Multiply the rate by `factor` whenever a figure of the validation part has not become better for `patience` evaluations.

    The evaluation of the untrained network is the first. `patience` and `min_delta` count as those of `early_stopping` do, and as
    `patience` does in Keras; torch waits for one evaluation more.

    Source: PyTorch, torch.optim.lr_scheduler.ReduceLROnPlateau with threshold_mode="abs".
    """

    type: Literal["reduce_on_plateau"]
    fall: Portion = Field(0.1, alias="factor")
    """What the rate is multiplied by."""
    patience: Count = 2
    """Evaluations in a row without a gain before the rate falls: fewer than those after which `early_stopping` ends the training."""
    min_delta: NonNegative = 0.0
    """Smallest gain that counts."""
    cooldown: Amount = 0
    """Evaluations after a fall for which patience does not count."""
    min_lr: NonNegative = 0.0
    """The rate, as `lr` counts it, below which it does not fall."""

    def after(self, step: int, steps: int) -> float:
        return 1.0

    def seen(self, before: Seen, figure: float, higher: bool) -> Seen:
        gain = figure - before.best if higher else before.best - figure
        is_gain = not isnan(figure) and (isnan(before.best) or gain > self.min_delta)
        best, waited, cooling = (figure, 0, before.cooling) if is_gain else (before.best, before.waited + 1, before.cooling)
        if cooling:
            waited, cooling = 0, cooling - 1
        if waited < self.patience:
            return replace(before, best=best, waited=waited, cooling=cooling)
        return Seen(best, 0, self.cooldown, before.falls + 1)

    def left(self, seen: Seen, lr: float) -> float:
        return min(1.0, max(self.fall**seen.falls, self.min_lr / lr))
