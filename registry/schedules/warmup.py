"""The slow start that most schedules can have."""

from __future__ import annotations

from nnrun.registry.options import Amount
from nnrun.registry.training import Schedule


class Warmed(Schedule):
    """Base of the schedules with a warm-up: they begin where it ends, and have the rest of the steps for themselves."""

    warmup: Amount = 0
    """Updates before the rate is full: it rises evenly from lr / (warmup + 1) (Goyal et al. 2017, Accurate, large
    minibatch SGD, section 2.2)."""

    def factor(self, step: int, steps: int) -> float:
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        return self.after(step - self.warmup, max(steps - self.warmup, 1))

    def after(self, step: int, steps: int) -> float:
        """The factor at `step` of the `steps` behind the warm-up."""
        raise NotImplementedError


def between(start: float, end: float, share: float) -> float:
    """A value on the way from `start` to `end`; `share` beyond 0 and 1 stays at the ends."""
    return start + (end - start) * min(max(share, 0.0), 1.0)
