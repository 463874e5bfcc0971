"""The learning-rate range test: the rate grows from step to step, and the loss tells which ones the network learns with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean, pstdev

import torch

from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.backprop import Backprop
from nnrun.runner.engine.training.best import Best
from nnrun.runner.engine.training.diverged import Diverged
from nnrun.runner.engine.training.learner import Judged

STEPS = 140
"""Twenty for each power of ten."""

LEAST, MOST = 1e-6, 10.0
"""The first rate and the last."""

KEPT = 0.9
"""Share of the smoothed loss that a step keeps: it averages about ten."""

OVER = 4.0
"""Times the lowest loss, from which on the test is over: larger rates only do harm."""

FIRST, GAIN = 20, 0.01
"""By how much the loss must fall below that of the first steps, or the test has shown nothing: their spread, and this share of it."""


@dataclass(frozen=True)
class Rates:
    """What a test found: the rate of each step, its loss, and the same smoothed."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]

    @property
    def lowest(self) -> int:
        """The step at which the smoothed loss was lowest, counted from 0."""
        return min(range(len(self.smoothed)), key=self.smoothed.__getitem__)

    @property
    def suggestion(self) -> float | None:
        """A tenth of the rate at which the loss was lowest, to two digits; None if no rate brought it down.

        At that rate the loss is about to rise, so it is too large already. Source: Howard and Gugger 2020, Deep learning for coders
        with fastai and PyTorch, chapter 5.
        """
        if not self.smoothed:
            return None
        before = fmean(self.losses[:FIRST])
        if self.smoothed[self.lowest] >= before - max(pstdev(self.losses[:FIRST]), GAIN * abs(before)):
            return None
        return float(f"{self.rates[self.lowest] / 10:.2g}")


class RangeTest(Backprop):
    """Trains with rates that grow by the same factor at each step, until the loss is far above its lowest.

    Source: Smith 2017, Cyclical learning rates for training neural networks, section 3.3; the growth by a factor, the smoothing and
    the end are those of Howard and Gugger.
    """

    def __init__(self, network: Network, plan: Plan, data: Dataset, device: torch.device) -> None:
        assert plan.spec.train is not None
        train = plan.spec.train.model_copy(
            update={"schedule": None, "average": None, "early_stopping": None, "epochs": None, "steps": STEPS, "evaluate_every": 1}
        )
        super().__init__(network, replace(plan, spec=plan.spec.at_stage(train)), data, device)
        self.best = self.until = _Until("find_lr/loss", higher=False, chooses=False)
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.smoothed: list[float] = []
        self.sum = 0.0

    @property
    def found(self) -> Rates:
        return Rates(tuple(self.rates), tuple(self.losses), tuple(self.smoothed))

    def step(self, number: int, batch: tuple[Batch, ...], due: bool) -> float | None:
        rate = LEAST * (MOST / LEAST) ** ((number - 1) / (STEPS - 1))
        for group in self.descent.optimizer.param_groups:
            group["lr"] = rate
        try:
            loss = super().step(number, batch, due=True)
        except Diverged:  # what the test looks for, and its end
            self.until.over = True
            return None
        assert loss is not None
        self.sum = KEPT * self.sum + (1 - KEPT) * loss
        smoothed = self.sum / (1 - KEPT**number)  # as if it had not begun at 0
        self.rates.append(rate)
        self.losses.append(loss)
        self.smoothed.append(smoothed)
        self.until.over = smoothed > OVER * min(self.smoothed) > 0
        return loss

    def since(self) -> dict[str, float]:
        return {}

    def judge(self, step: int) -> Judged | None:
        if step == 0:
            return None
        if len(self.smoothed) < step:  # it has just diverged
            return Judged({})
        return Judged({"find_lr/lr": self.rates[-1], "find_lr/loss": self.losses[-1], "find_lr/smoothed_loss": self.smoothed[-1]})

    def conclude(self, step: int, figures: object) -> Judged:
        suggestion = self.found.suggestion
        return Judged({} if suggestion is None else {"find_lr/suggestion": suggestion})


@dataclass
class _Until(Best):
    """Keeps no weights, and ends the training when it is told to."""

    over: bool = False

    @property
    def is_late(self) -> bool:
        return self.over
