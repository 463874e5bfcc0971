"""What the loop of a training asks of a learner, and whom it tells what happens."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import torch

from nnrun.registry.field import DataError
from nnrun.registry.training import Optimizer, Schedule
from nnrun.runner.compiler.language.training import EPOCHS, Train
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.chance import refuse_chance
from nnrun.runner.engine.data.batch import Order
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.inference.sheet import Sheet
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.best import Best
from nnrun.runner.engine.world.split import divided, is_divided, joined, local
from nnrun.runner.engine.world.world import ALONE, World

B = TypeVar("B")

LEAST_SCALE = 2.0**-30
"""Of the losses of 16 bits: no gradient needs so small a one."""


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

    def gathered(self) -> AbstractContextManager[None]:
        """Within it the network's weights are whole in this process, wherever they are kept between."""
        return nullcontext()

    def leave(self, together: bool) -> None:
        """The training breaks off, in all processes at once if `together`; the network gets the best weights that there are."""
        self.best.restore(self.network)

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


class Descent:
    """Gradients become steps: the rate of each step, the largest norm, the optimizer."""

    def __init__(self, train: Train, parameters: Sequence[torch.nn.Parameter], steps: int, device: torch.device) -> None:
        assert isinstance(train.optimizer, Optimizer)
        self.train, self.parameters, self.steps = train, parameters, steps
        self.lr = train.optimizer.lr
        self.own = [torch.nn.Parameter(local(one.detach())) if is_divided(one) else one for one in parameters]
        """What this process has of them, in the same memory: optimizers know nothing of shares."""
        self.optimizer = train.optimizer.build(self.own)
        self.scaler = torch.amp.GradScaler(device.type, enabled=train.precision == "fp16")
        self.waits = device.type != "cpu"
        """Whether reading a value waits for the device."""
        self.lost, self.one = torch.zeros((), device=device), torch.ones((), device=device)

    @property
    def rate(self) -> float:
        """The learning rate as it was last set."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def told(self) -> dict[str, float]:
        """The learning rate as a figure, where it changes."""
        return {"train/lr": self.rate} if isinstance(self.train.schedule, Schedule) else {}

    @property
    def is_plain(self) -> bool:
        """Whether a step is nothing but the rate times the gradient."""
        group = self.optimizer.param_groups[0]
        plain = isinstance(self.optimizer, torch.optim.SGD) and not (group["momentum"] or group["weight_decay"] or group["maximize"])
        return plain and self.train.clip_norm is None

    def set_rate(self, number: int) -> float:
        """Set the learning rate of a step, counted from 1."""
        if isinstance(self.train.schedule, Schedule):
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * self.train.schedule.factor(number - 1, self.steps)
        return self.rate

    def forget(self) -> None:
        """No gradients are written any more."""
        for parameter in self.parameters:
            parameter.grad = None

    def backward(self, objective: torch.Tensor) -> None:
        """Add the gradients of what is minimised to those that are written. Raises: NotDeterministic."""
        try:
            self.scaler.scale(objective).backward()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            refuse_chance(error)
            raise

    def is_lost(self, due: bool) -> bool:
        """Whether a gradient is not finite; where reading that would wait for a GPU, one since it was last due.

        The scaler of 16 bits skips such steps itself, and halves its factor: only one that never comes back is lost.
        """
        if self.scaler.is_enabled():
            return due and self.scaler.get_scale() < LEAST_SCALE
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        torch._amp_foreach_non_finite_check_and_unscale_(gradients, self.lost, self.one)  # one kernel, times 1: 2 us; `isfinite` takes 60
        return (due or not self.waits) and bool(self.lost)

    def step(self) -> None:
        """Change the weights by the gradients that are written."""
        if self.train.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.parameters, self.train.clip_norm)
        for own, parameter in zip(self.own, self.parameters, strict=True):
            if own is not parameter:
                own.grad = local(parameter.grad) if parameter.grad is not None else None
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def state(self) -> dict[str, Any]:
        return {"optimizer": self._of_each(self.optimizer.state_dict(), joined), "scaler": self.scaler.state_dict()}

    def take(self, state: Mapping[str, Any]) -> None:
        self.optimizer.load_state_dict(self._of_each(state["optimizer"], lambda value, like: local(divided(value, like))))
        self.scaler.load_state_dict(state["scaler"])

    def _of_each(self, state: Mapping[str, Any], change: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> dict[str, Any]:
        """The optimizer's state with what it remembers of each weight changed, which is as large as the weight."""
        changed: dict[int, dict[str, Any]] = {}
        for index, held in state["state"].items():
            tensors = {name: value for name, value in held.items() if isinstance(value, torch.Tensor) and value.dim()}
            changed[index] = {**held, **{name: change(value, self.parameters[index]) for name, value in tensors.items()}}
        return {**state, "state": changed}
