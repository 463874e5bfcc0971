"""The stages of a training: each has its own learner, the nodes that it trains, and the steps that it adds to the curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch

from nnrun.registry.learners.contrastive_divergence import ContrastiveDivergence
from nnrun.registry.training import Storage
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.checkpoint.snapshot import Snapshot
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.backprop import Backprop
from nnrun.runner.engine.training.contrast import BETAS, Contrasting
from nnrun.runner.engine.training.diverged import Diverged
from nnrun.runner.engine.training.fit import Course, Outcome, fit
from nnrun.runner.engine.training.keeper import Keeper
from nnrun.runner.engine.training.learner import Learner, Watcher
from nnrun.runner.engine.training.storage import Storing
from nnrun.runner.engine.world.split import load
from nnrun.runner.engine.world.world import ALONE, World
from nnrun.runner.signals import Stopped


class Display(Protocol):
    """Who shows how far the training is."""

    def start(self, title: str, steps: int, objective: str) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True)
class SoFar:
    """What the stages before gave."""

    figures: Mapping[str, float] = field(default_factory=dict)
    best_step: int = 0
    steps: int = 0
    seconds: float = 0.0

    def and_then(self, outcome: Outcome) -> SoFar:
        figures = {**self.figures, **outcome.figures}
        return SoFar(figures, self.steps + outcome.best_step, self.steps + outcome.steps, self.seconds + outcome.seconds)


def train_stages(
    network: Network,
    plan: Plan,
    data: Dataset,
    device: torch.device,
    watch: Watcher,
    display: Display,
    betas: int = BETAS,
    keeper: Keeper | None = None,
    start: Snapshot | None = None,
    world: World = ALONE,
) -> Outcome:
    """Train a network as all stages of a plan say, one after the other; from `start` on, if the training was broken off there.

    In a world of many processes all call this at once. Raises: Diverged, DataError; Stopped.
    """
    stages, keeper = (*plan.stages, plan), keeper or Keeper()
    so_far = SoFar(**start.before) if start is not None else SoFar()
    for number, stage in enumerate(stages, 1):
        begun = start if start is not None and number == start.stage else None
        if start is not None and number < start.stage:
            continue
        title = stage.spec.name if len(stages) == 1 else f"{stage.spec.name}, stage {number} of {len(stages)}"
        assert stage.spec.train is not None
        keeper.begin(number, vars(so_far), stage.spec.train.checkpoint)
        with _begun(network, stage, data, device, betas, begun, world) as (learner, at):
            display.start(title, so_far.steps + learner.budget.steps, learner.best.objective)
            if learner.remark is not None:
                watch.warned(so_far.steps, learner.remark)
            try:
                outcome = fit(learner, Later(watch, so_far.steps) if so_far.steps else watch, stage.spec.track.every, keeper, at)
            except BaseException as error:  # whoever records what is left of the run finds the best there was
                learner.leave(together=isinstance(error, Stopped | Diverged))
                raise
            display.stop()
        so_far = so_far.and_then(outcome)
    return replace(outcome, **vars(so_far))


@contextmanager
def _begun(
    network: Network, plan: Plan, data: Dataset, device: torch.device, betas: int, start: Snapshot | None, world: World
) -> Iterator[tuple[Learner[Any], Course]]:
    """The learner of a stage, and where it stands."""
    if start is not None:  # a learner may look at the data through the weights
        network.load_state_dict(start.weights)
    with learner_of(network, plan, data, device, betas, world) as learner:
        if start is None:
            yield learner, Course()
            return
        load(network, start.weights)
        learner.take(start.learner)
        learner.best.take(start.best)
        yield learner, Course(**start.course)


@contextmanager
def learner_of(
    network: Network, plan: Plan, data: Dataset, device: torch.device, betas: int = BETAS, world: World = ALONE
) -> Iterator[Learner[Any]]:
    """The learner of one stage; within it, other nodes are frozen.

    `betas` are the steps of the last estimates of log Z. Raises: DataError.
    """
    train = plan.spec.train
    assert train is not None
    with only(network, train.nodes):
        if isinstance(train.learner, Storage):
            yield Storing(network, plan, data, device, world)
        elif isinstance(train.learner, ContrastiveDivergence):
            yield Contrasting(network, plan, data, device, betas, world)
        else:
            yield Backprop(network, plan, data, device, world)


@contextmanager
def only(network: Network, nodes: tuple[str, ...] | None) -> Iterator[None]:
    """Within it, other nodes with weights are frozen; a symmetric edge belongs to both of its groups."""
    if nodes is None:
        yield
        return
    before = {name: parameter.requires_grad for name, parameter in network.named_parameters()}
    frozen = set(network.frozen)
    owners = [op.name for op in network.plan.ops if op.share is None and op.name not in nodes]
    network.frozen |= {name for name in owners if network.runs[name].state_dict()}  # a dropout node has nothing to freeze
    for name, parameter in network.named_parameters():
        owners = name.rpartition(".")[0].split(".")[0].split("--")
        parameter.requires_grad_(before[name] and all(owner in nodes for owner in owners))
    try:
        yield
    finally:
        network.frozen.clear()
        network.frozen |= frozen
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
