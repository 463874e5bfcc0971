"""Small specs with data of their own, built and ready."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.dataset import Dataset, prepare
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.backprop import Backprop
from nnrun.runner.engine.training.evaluate import Evaluator
from nnrun.runner.engine.training.fit import Outcome, fit
from nnrun.runner.smoke import Quiet

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Built:
    """A spec on given columns."""

    plan: Plan
    data: Dataset
    network: Network
    evaluator: Evaluator


class Watcher(Quiet):
    """Keeps what a training says."""

    def __init__(self) -> None:
        super().__init__()
        self.warnings: list[str] = []
        self.said: list[tuple[int, dict[str, float]]] = []

    def warned(self, step: int, text: str) -> None:
        self.warnings.append(text)

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        self.said.append((step, dict(figures)))


def build(text: str, columns: Mapping[str, Any], *settings: str) -> Built:
    """The network of a spec whose source is `csv`, on columns that stand in for the file."""
    first = check(text, settings=settings)
    assert first.plan is not None, [finding.headline for finding in first.report]
    assert first.plan.spec.data is not None
    targets = [loss.target.partition(".")[0] for loss in first.plan.losses]
    data = prepare(first.plan.spec.data, first.plan.fields, {"all": columns}, targets)
    plan = check(text, settings=settings, facts=data.facts).plan
    assert plan is not None
    assert plan.spec.train is not None
    torch.manual_seed(plan.spec.train.seed)
    network = Network(plan)
    return Built(plan, data, network, Evaluator(network, plan, data.facts, CPU))


def train(built: Built) -> tuple[Outcome, Watcher]:
    """Train it as a run would."""
    watcher = Watcher()
    return fit(Backprop(built.network, built.plan, built.data, CPU), watcher, 1), watcher
