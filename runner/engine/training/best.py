"""The weights that are kept: those that did best on the validation part."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nnrun.registry.objective import Metric, SequenceMetric
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.world.split import is_whole, load, local
from nnrun.runner.engine.world.world import ALONE, World

EARLY = 10
"""The kept weights are called early if so many times more steps were taken."""

KNOWN = ("value", "loss", "step", "gained", "waited", "weights")
"""What changes with each evaluation."""


@dataclass
class Best:
    """The best weights so far, by one figure of the validation part. Without such a part the last weights are kept.

    Equal figures are told apart by the loss, and then the later weights win.
    """

    objective: str
    higher: bool
    chooses: bool = True
    """Whether there is a validation part to choose by."""
    patience: int | None = None
    min_delta: float = 0.0
    """Of a gain that patience counts; the best weights need none."""
    value: float = math.nan
    loss: float = math.nan
    step: int = 0
    gained: float = math.nan
    """The figure of the last gain that patience counted."""
    waited: int = 0
    """Evaluations in a row without a gain."""
    weights: dict[str, Tensor] | None = None

    @staticmethod
    def watching(train: Train, plan: Plan, has_valid: bool) -> Best:
        """What to watch: the monitor of early stopping, else the first metric, else the loss."""
        metrics = [metric.config for metric in plan.metrics if isinstance(metric.config, Metric)]
        if not has_valid:  # what a network writes is judged on other parts only
            metrics = [metric for metric in metrics if not isinstance(metric, SequenceMetric)]
        first = metrics[0].label if metrics else "loss"
        if not has_valid:
            return Best(f"train/{first}", higher_is_better(plan, first), chooses=False)
        stopping = train.early_stopping
        if stopping is None:
            return Best(f"valid/{first}", higher_is_better(plan, first))
        higher = higher_is_better(plan, stopping.monitor.removeprefix("valid/"))
        return Best(stopping.monitor, higher, patience=stopping.patience, min_delta=stopping.min_delta)

    @property
    def is_late(self) -> bool:
        """Whether patience is at its end."""
        return self.patience is not None and self.waited >= self.patience

    @property
    def figures(self) -> dict[str, float]:
        """`valid/best_accuracy` and `valid/best_step`, if there was a choice."""
        if self.weights is None:
            return {}
        part, _, label = self.objective.partition("/")
        return {f"{part}/best_{label}": self.value, f"{part}/best_step": float(self.step)}

    def offer(self, step: int, figures: Mapping[str, float], network: nn.Module, world: World = ALONE) -> None:
        """Keep the weights if they are better than the best, and finite. A figure that is NaN is worse than any other."""
        value = figures.get(self.objective, math.nan)
        if not self.chooses:
            self.value, self.step = value, step
            return
        self.waited += 1
        if not math.isnan(value) and (math.isnan(self.gained) or self._gain(value, self.gained) > self.min_delta):
            self.gained, self.waited = value, 0
        loss = figures.get(f"{self.objective.partition('/')[0]}/loss", math.nan)
        if self._is_best(value, loss) and is_finite(network, world):
            self.value, self.loss, self.step = value, loss, step
            self.weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    def state(self) -> dict[str, Any]:
        """What is known so far. The weights are those that are kept, which nobody changes."""
        return {name: getattr(self, name) for name in KNOWN}

    def take(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        for name in KNOWN:
            setattr(self, name, state[name])

    def doubt(self, steps: int) -> str | None:
        """What is strange about the choice among so many steps: that hardly any training won."""
        if self.weights is None or self.step * EARLY > steps:
            return None
        kept = "the untrained network did best" if self.step == 0 else f"the weights of step {self.step} of {steps} did best"
        return f"{kept}, with `{self.objective}` {self.value:.4g}: the steps after it taught the network nothing that the figure tells"

    def _gain(self, value: float, before: float) -> float:
        return value - before if self.higher else before - value

    def _is_best(self, value: float, loss: float) -> bool:
        if self.weights is None or (math.isnan(self.value) and not math.isnan(value)):
            return True
        is_equal = value == self.value or (math.isnan(value) and math.isnan(self.value))
        return not loss > self.loss if is_equal else self._gain(value, self.value) > 0

    def restore(self, network: nn.Module) -> None:
        """Give the network the best weights."""
        if self.weights is not None:
            load(network, self.weights)


def is_finite(network: nn.Module, world: World = ALONE) -> bool:
    """Whether all weights are numbers; of divided ones, those of all processes of a world, which ask at once."""
    lost = not all(bool(torch.isfinite(local(weight)).all()) for weight in network.parameters())
    return not (lost if is_whole(network) else world.any(lost)[0])


def higher_is_better(plan: Plan, label: str) -> bool:
    """Whether a figure such as `accuracy` should grow."""
    metrics = (metric.config for metric in plan.metrics if isinstance(metric.config, Metric))
    return any(metric.higher_is_better for metric in metrics if metric.label == label)


def higher_figures(plan: Plan) -> dict[str, bool]:
    """By the name of a figure whether more is better; those of which nobody knows it are not there."""
    metrics = (metric.config for metric in plan.metrics if isinstance(metric.config, Metric))
    return {"loss": False, "loglik": True, "pseudo_likelihood": True, **{metric.label: metric.higher_is_better for metric in metrics}}
