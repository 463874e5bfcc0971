"""Learning by the gradient of a loss."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from nnrun.registry.field import DataError
from nnrun.registry.modules.padding import real_ticks
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.types.ops import Op
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.best import Best
from nnrun.runner.engine.training.diverged import Diverged
from nnrun.runner.engine.training.evaluate import Evaluator, autocast
from nnrun.runner.engine.training.learner import Budget, Descent, Judged, Learner


class Backprop(Learner[Batch]):
    """Minimises the losses of a plan.

    Raises: DataError if early stopping has no examples to watch, or if there are no weights to train.
    """

    def __init__(self, network: Network, plan: Plan, data: Dataset, device: torch.device) -> None:
        assert plan.spec.train is not None
        train, has_valid = plan.spec.train, data.valid is not None
        if train.early_stopping is not None and not has_valid:
            help = "enlarge `split.valid`, or leave out `early_stopping`"
            raise DataError("early stopping watches the validation part, which has no examples", help)
        super().__init__(network, plan, data, device, Budget.of(train, len(data.train)), Best.watching(train, plan, has_valid))
        parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        if not parameters:
            raise DataError(f"{_trained(train)} no weights that could be trained", "see `nodes` under `train`, `freeze` and `share`")
        self.evaluator = Evaluator(network, plan, data.facts, device)
        self.descent = Descent(train, parameters, self.budget.steps, device)
        self.penalties = network.penalties(train.regularize)
        self.lost, self.steps_since = torch.zeros((), device=device), 0
        """Losses added up since they were last told, and how many."""

    def batches(self, epoch: int) -> Iterator[Batch]:
        if self.network.memory is not None:
            self.network.memory.forget()  # the streams begin anew
        self.network.train()
        yield from self.data.train.batches(self.train.batch_size, self.train.seed, epoch, self.order)

    def step(self, number: int, batch: Batch, due: bool) -> float | None:
        batch = batch.to(self.device)
        losses = self.evaluator.losses
        with autocast(self.device, self.train.precision):
            values = self.network(batch, self.evaluator.wanted)
            loss = losses.total(losses.sums(values, batch))
            objective = loss + penalty(self.penalties) if self.penalties else loss
        if not objective.requires_grad:
            raise DataError(f"{_trained(self.train)} no weights that the loss depends on", "see `nodes` under `train` and `freeze`")
        value = None
        if due or self.device.type == "cpu":  # reading the value waits for a GPU; on a CPU it is free
            value = float(loss.detach())
            if not math.isfinite(value):
                raise Diverged.loss(number, first_not_finite(self.network, batch))
        self.descent.set_rate(number)
        self.descent.backward(objective)
        self.descent.step()
        self.evaluator.meters.update(values, batch)
        self.lost += loss.detach()
        self.steps_since += 1
        self.examples += batch.count
        return value

    def since(self) -> dict[str, float]:
        figures = {"train/loss": float(self.lost) / self.steps_since, "train/lr": self.descent.rate}
        self.lost.zero_()
        self.steps_since = 0
        return figures

    def judge(self, step: int) -> Judged | None:
        if step == 0 and self.data.valid is None:
            return None
        figures = {f"train/{name}": figure for name, figure in self.evaluator.meters.compute().items()} if step else {}
        if self.data.valid is not None:
            figures |= self.evaluator.evaluate(self.data.valid, "valid")
            self.network.train()
        return Judged(figures)

    def conclude(self, step: int, figures: Mapping[str, float]) -> dict[str, float]:
        return self.evaluator.evaluate(self.data.test, "test") if self.data.test is not None else {}

    def state(self) -> dict[str, Any]:
        memory = self.network.memory
        return {
            **super().state(),
            **self.descent.state(),
            "lost": self.lost.clone(),
            "steps since": self.steps_since,
            "memory": memory.state() if memory is not None else {},
            "dice": torch.get_rng_state() if self.device.type == "cpu" else torch.cuda.get_rng_state(self.device),
        }

    def take(self, state: Mapping[str, Any]) -> None:
        super().take(state)
        self.descent.take(state)
        self.lost.copy_(state["lost"])
        self.steps_since = state["steps since"]
        if self.network.memory is not None:
            self.network.memory.take(state["memory"])
        if self.device.type == "cpu":
            torch.set_rng_state(state["dice"])
        else:
            torch.cuda.set_rng_state(state["dice"], self.device)


def _trained(train: Train) -> str:
    return f"{', '.join(f'`{name}`' for name in train.nodes)}: there are" if train.nodes else "the network has"


def penalty(penalties: list[tuple[nn.Parameter, float, float]]) -> Tensor:
    """l1 * sum|w| + l2 * sum w^2, over all weights that are to stay small."""
    return torch.stack([l1 * weight.abs().sum() + l2 * weight.square().sum() for weight, l1, l2 in penalties]).sum()


def first_not_finite(network: Network, batch: Batch) -> Op | None:
    """The first node that gives NaN or infinite values at real ticks."""
    with torch.no_grad():
        for op, value in network.each(batch):
            if op.shape.time is not None:
                value = value[real_ticks(batch.lengths[op.shape.time], len(value))]
            if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                return op
    return None
