"""One stage of a training: its own learner, the nodes that it trains, and the steps that it adds to the curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import torch

from nnrun.registry.learners.backprop import Backprop
from nnrun.registry.training import Storage
from nnrun.runner.compiler.language.spec import Train
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.best import Best
from nnrun.runner.engine.training.contrastive_divergence import BETAS, Watcher, train_machine
from nnrun.runner.engine.training.fit import Budget, Outcome, fit
from nnrun.runner.engine.training.objective import Losses, Meters
from nnrun.runner.engine.training.written import Written


class Display(Protocol):
    """Who shows how far the training is."""

    def start(self, title: str, steps: int, objective: str) -> None: ...

    def stop(self) -> None: ...


def train_stages(
    network: Network, plan: Plan, data: Dataset, device: torch.device, watch: Watcher, display: Display, betas: int = BETAS
) -> Outcome:
    """Train a network as all stages of a plan say, one after the other. Raises: Diverged, DataError."""
    stages = (*plan.stages, plan)
    done, seconds = 0, 0.0
    figures: dict[str, float] = {}
    for number, stage in enumerate(stages, 1):
        train = stage.spec.train
        assert train is not None
        title = stage.spec.name if len(stages) == 1 else f"{stage.spec.name}, stage {number} of {len(stages)}"
        display.start(title, done + _steps(train, len(data.train)), _objective(stage, data.valid is not None))
        outcome = train_stage(network, stage, data, device, Later(watch, done) if done else watch, stage.spec.track.every, betas)
        display.stop()
        figures |= outcome.figures
        best, done, seconds = done + outcome.best_step, done + outcome.steps, seconds + outcome.seconds
    return replace(outcome, figures=figures, best_step=best, steps=done, seconds=seconds)


def train_stage(
    network: Network, plan: Plan, data: Dataset, device: torch.device, watch: Watcher, log_every: int, betas: int = BETAS
) -> Outcome:
    """Train a network as one stage of its plan says; `betas` are the steps of the last estimates of log Z. Raises: Diverged, DataError."""
    train = plan.spec.train
    assert train is not None
    with only(network, train.nodes):
        if not isinstance(train.learner, Backprop):
            return train_machine(network, plan, data, device, watch, log_every, betas=betas)
        losses, meters = Losses(plan, data.facts).to(device), Meters(plan, data.facts, device)
        return fit(network, losses, meters, Written(plan, data.facts), data, train, device, watch, log_every)


def _steps(train: Train, examples: int) -> int:
    return 1 if isinstance(train.learner, Storage) else Budget.of(train, examples).steps


def _objective(plan: Plan, has_valid: bool) -> str:
    train = plan.spec.train
    assert train is not None
    if isinstance(train.learner, Backprop):
        return Best.watching(train, plan, has_valid).objective
    part = "valid" if has_valid else "train"
    return f"{part}/{train.learner.figures[0]}" if train.learner.figures else "train/overlap"


@contextmanager
def only(network: Network, nodes: tuple[str, ...] | None) -> Iterator[None]:
    """Within it, the weights of other nodes do not change; a symmetric edge belongs to both of its groups."""
    if nodes is None:
        yield
        return
    before = {name: parameter.requires_grad for name, parameter in network.named_parameters()}
    for name, parameter in network.named_parameters():
        owners = name.rpartition(".")[0].split(".")[0].split("--")
        parameter.requires_grad_(before[name] and all(owner in nodes for owner in owners))
    try:
        yield
    finally:
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(before[name])


@dataclass
class Later:
    """A watcher whose steps start behind those of the stages before."""

    watch: Watcher
    steps: int

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        self.watch.metrics(self.steps + step, figures)

    def stepped(self, step: int, loss: float | None) -> None:
        self.watch.stepped(self.steps + step, loss)

    def evaluated(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        self.watch.evaluated(self.steps + step, epoch, figures)

    def warned(self, step: int, text: str) -> None:
        self.watch.warned(self.steps + step, text)

    def image(self, key: str, step: int, png: bytes) -> None:
        self.watch.image(key, self.steps + step, png)
