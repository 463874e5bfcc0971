"""What the loop of a training asks of a learner, and whom it tells what happens."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import torch

from nnrun.registry.field import DataError
from nnrun.registry.training import Watching
from nnrun.runner.compiler.language.training import EPOCHS, Train
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.batch import Order
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.inference.sheet import Sheet
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.best import Best
from nnrun.runner.engine.world.world import ALONE, World

B = TypeVar("B")


class Watcher(Protocol):
    """Who is told what happens: the record of the run, and the display."""

    def metrics(self, step: int, figures: Mapping[str, float]) -> None: ...

    def stepped(self, step: int, loss: float | None) -> None: ...

    def evaluated(self, step: int, epoch: int, figures: Mapping[str, float]) -> None: ...

    def warned(self, step: int, text: str) -> None: ...

    def image(self, key: str, step: int, png: bytes) -> None: ...


class Unwatched:
    """A watcher of a training of which nobody is told."""

    def metrics(self, step: int, figures: Mapping[str, float]) -> None: ...

    def stepped(self, step: int, loss: float | None) -> None: ...

    def evaluated(self, step: int, epoch: int, figures: Mapping[str, float]) -> None: ...

    def warned(self, step: int, text: str) -> None: ...

    def image(self, key: str, step: int, png: bytes) -> None: ...


@dataclass(frozen=True)
class Budget:
    """How long to train, in updates of the weights."""

    steps: int
    per_epoch: int
    evaluate_every: int

    @staticmethod
    def of(train: Train, examples: int) -> Budget:
        per_epoch = math.ceil(math.ceil(examples / train.batch_size) / train.accumulate)
        steps = train.steps if train.steps is not None else (train.epochs or EPOCHS) * per_epoch
        return Budget(steps, per_epoch, min(train.evaluate_every or per_epoch, steps))


@dataclass(frozen=True)
class Judged:
    """What an evaluation found."""

    figures: Mapping[str, float]
    curves: Sequence[tuple[int, Mapping[str, float]]] = ()
    """Figures over something else than steps, such as the number of stored patterns: (where, figures)."""
    warnings: Sequence[str] = ()
    pictures: Sequence[tuple[str, int, bytes]] = ()
    """(key, where, PNG)."""
    answers: Sheet | None = None
    """What the network answered, where that was made anyway."""


class Learner(ABC, Generic[B]):
    """How a network learns: what a step does with a batch, and how the network is judged. The loop of `fit.py` drives it."""

    remark: str | None = None
    """What is said of how it learns, before it does."""
    baseline: str | None = None
    """What the figures `test/baseline_…` are those of, if it computes some."""

    def __init__(
        self, network: Network, plan: Plan, data: Dataset, device: torch.device, budget: Budget, best: Best, world: World = ALONE
    ) -> None:
        assert plan.spec.train is not None
        self.world = world
        if plan.spec.train.batch_size < world.size:
            what = f"`batch_size: {plan.spec.train.batch_size}` leaves some of {world.size} processes without an example"
            raise DataError(what, "a larger batch, or fewer processes").blaming("train", "batch_size")
        schedule = plan.spec.train.schedule
        if isinstance(schedule, Watching) and data.valid is None:
            what = f"`{schedule.type_name()}` watches the validation part, which has no examples"
            raise DataError(what, "enlarge `split.valid`, or take another `schedule`").blaming("train", "schedule")
        self.network, self.plan, self.data, self.device, self.train = network, plan, data, device, plan.spec.train
        self.budget, self.best = budget, best
        self.examples = 0
        """Examples of all steps so far."""

    @property
    def order(self) -> Order:
        """In which order the training part is gone through."""
        return "streams" if self.train.carry_state else "as given" if self.train.shuffle is False else "shuffled"

    @abstractmethod
    def batches(self, epoch: int, first: int = 0) -> Iterator[B]:
        """What is learned from in an epoch, counted from 1, step by step; without the `first` so many, which were learned from already."""

    @abstractmethod
    def step(self, number: int, batch: B, due: bool) -> float | None:
        """One update of the weights, counted from 1, and its loss where it has one that is known without waiting for a GPU.

        `due`: the figures are about to be logged, so it is worth waiting. Raises: Diverged.
        """

    def since(self) -> dict[str, float]:
        """Figures of the steps since this was last asked."""
        return {}

    @abstractmethod
    def judge(self, step: int) -> Judged | None:
        """The network after so many steps, 0 for the untrained one; None where nothing is judged."""

    def heed(self, figures: Mapping[str, float]) -> None:
        """An evaluation has found these: what the next steps may go by."""

    def averaged(self) -> AbstractContextManager[None]:
        """Within it the network's weights are those that are judged and kept, where these are others than those that learn."""
        return nullcontext()

    def gathered(self) -> AbstractContextManager[None]:
        """Within it the network's weights are whole in this process, wherever they are kept between."""
        return nullcontext()

    def settle(self) -> None:
        """There are no more steps: the network gets the best weights that there are."""
        self.best.restore(self.network)

    def leave(self, together: bool) -> None:
        """The training breaks off, in all processes at once if `together`."""
        self.settle()

    def conclude(self, step: int, figures: Mapping[str, float]) -> Judged:
        """What is found once, after the last step and with the best weights. `figures` are those of the last evaluation."""
        return Judged({})

    def state(self) -> dict[str, Any]:
        """All that the next steps depend on beside weights and data, as it stands between two steps.

        Large tensors are those of the learner itself, so this is cheap; what an evaluation changes is a copy.
        """
        dice = torch.get_rng_state() if self.device.type == "cpu" else torch.cuda.get_rng_state(self.device)
        return {"examples": self.examples, "dice": dice}

    def take(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave; the weights are loaded before."""
        self.examples = state["examples"]
        if self.device.type == "cpu":
            torch.set_rng_state(state["dice"])
        else:
            torch.cuda.set_rng_state(state["dice"], self.device)
