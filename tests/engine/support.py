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
from nnrun.runner.engine.training.fit import Outcome, fit
from nnrun.runner.engine.training.objective import Losses, Meters
from nnrun.runner.engine.training.written import Written

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Built:
    """A spec on given columns."""

    plan: Plan
    data: Dataset
    network: Network
    losses: Losses
    meters: Meters


class Watcher:
    """Keeps what a training says."""

    def __init__(self) -> None:
        self.said: list[tuple[int, dict[str, float]]] = []

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        self.said.append((step, dict(figures)))

    def stepped(self, step: int, loss: float | None) -> None:
        pass

    def evaluated(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        pass


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
    return Built(plan, data, Network(plan), Losses(plan, data.facts), Meters(plan, data.facts, CPU))


def train(built: Built) -> tuple[Outcome, Watcher]:
    """Train it as a run would."""
    assert built.plan.spec.train is not None
    watcher = Watcher()
    written = Written(built.plan, built.data.facts)
    outcome = fit(built.network, built.losses, built.meters, written, built.data, built.plan.spec.train, CPU, watcher, 1)
    return outcome, watcher
