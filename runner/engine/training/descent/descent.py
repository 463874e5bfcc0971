"""Gradients become steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch

from nnrun.registry.training import Optimizer, Schedule, Seen, Watching
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.engine.chance import refuse_chance
from nnrun.runner.engine.training.descent.average import Averaged
from nnrun.runner.engine.world.split import divided, is_divided, joined, local

LEAST_SCALE = 2.0**-30
"""Of the losses of 16 bits: no gradient needs so small a one."""


class Descent:
    """Gradients become steps: the rate of each step, the largest norm, the optimizer."""

    def __init__(self, train: Train, parameters: Sequence[torch.nn.Parameter], steps: int, device: torch.device) -> None:
        assert isinstance(train.optimizer, Optimizer)
        self.train, self.parameters, self.steps = train, parameters, steps
        self.lr, self.searches = train.optimizer.lr, train.optimizer.searches
        self.own = [torch.nn.Parameter(local(one.detach())) if is_divided(one) else one for one in parameters]
        """What this process has of them, in the same memory: optimizers know nothing of shares."""
        self.optimizer = train.optimizer.build(self.own)
        self.average = Averaged(train.average, self.own, parameters) if train.average is not None else None
        self.seen = Seen()
        """What the schedule has seen of the figure that it watches, if it watches one."""
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
        schedule = self.train.schedule
        if isinstance(schedule, Schedule):
            left = schedule.left(self.seen, self.lr) if isinstance(schedule, Watching) else 1.0
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * schedule.factor(number - 1, self.steps) * left
        return self.rate

    def heed(self, figures: Mapping[str, float], higher: Mapping[str, bool]) -> None:
        """An evaluation has found these figures; `higher` tells of which, by their names without the part, more is better."""
        schedule = self.train.schedule
        if isinstance(schedule, Watching):
            figure = figures.get(schedule.monitor, math.nan)
            self.seen = schedule.seen(self.seen, figure, higher.get(schedule.monitor.partition("/")[2], False))

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

    def step(self, again: Callable[[], torch.Tensor] | None = None) -> None:
        """Change the weights by the gradients that are written.

        `again` tells what is minimised and writes its gradients, for optimizers that look at it at other weights.
        """
        if self.train.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.parameters, self.train.clip_norm)
        for own, parameter in zip(self.own, self.parameters, strict=True):
            if own is not parameter:
                own.grad = local(parameter.grad) if parameter.grad is not None else None
        if self.searches:
            self.optimizer.step(again)  # type: ignore[arg-type]
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        if self.average is not None:
            self.average.update()

    def state(self) -> dict[str, Any]:
        optimizer = self._of_each(self.optimizer.state_dict(), joined)
        average = self.average.state() if self.average is not None else None
        return {"optimizer": optimizer, "scaler": self.scaler.state_dict(), "seen": asdict(self.seen), "average": average}

    def take(self, state: Mapping[str, Any]) -> None:
        self.optimizer.load_state_dict(self._of_each(state["optimizer"], lambda value, like: local(divided(value, like))))
        self.scaler.load_state_dict(state["scaler"])
        self.seen = Seen(**state["seen"])
        if self.average is not None:
            self.average.take(state["average"])

    def _of_each(self, state: Mapping[str, Any], change: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> dict[str, Any]:
        """The optimizer's state with what it remembers of each weight changed, which is as large as the weight."""
        changed: dict[int, dict[str, Any]] = {}
        for index, held in state["state"].items():
            tensors = {name: value for name, value in held.items() if isinstance(value, torch.Tensor) and value.dim()}
            changed[index] = {**held, **{name: change(value, self.parameters[index]) for name, value in tensors.items()}}
        return {**state, "state": changed}
