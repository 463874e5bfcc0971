"""The weights that are kept: those that did best on the validation part."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from nnrun.registry.objective import Metric, SequenceMetric
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.plan import Plan


@dataclass
class Best:
    """The best weights so far, by one figure of the validation part. Without such a part the last weights are kept."""

    objective: str
    higher: bool
    chooses: bool = True
    """Whether there is a validation part to choose by."""
    patience: int | None = None
    min_delta: float = 0.0
    value: float = math.nan
    step: int = 0
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

    def offer(self, step: int, figures: Mapping[str, float], network: nn.Module) -> None:
        """Keep the weights if they are better than the best. A figure that is NaN is worse than any other."""
        value = figures.get(self.objective, math.nan)
        if not self.chooses:
            self.value, self.step = value, step
            return
        gain = value - self.value if self.higher else self.value - value
        if self.weights is None or gain > self.min_delta or (math.isnan(self.value) and not math.isnan(value)):
            self.value, self.step, self.waited = value, step, 0
            self.weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        else:
            self.waited += 1

    def restore(self, network: nn.Module) -> None:
        """Give the network the best weights."""
        if self.weights is not None:
            network.load_state_dict(self.weights)


def higher_is_better(plan: Plan, label: str) -> bool:
    """Whether a figure such as `accuracy` should grow."""
    metrics = (metric.config for metric in plan.metrics if isinstance(metric.config, Metric))
    return any(metric.higher_is_better for metric in metrics if metric.label == label)
