"""The training, in the order of events."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from nnrun.registry.field import DataError
from nnrun.registry.modules.padding import real_ticks
from nnrun.registry.training import Optimizer, Schedule
from nnrun.runner.compiler.language.spec import Train
from nnrun.runner.compiler.types.ops import Op
from nnrun.runner.engine.data.batch import Batch, Order, Part
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.best import Best
from nnrun.runner.engine.training.objective import Losses, Meters
from nnrun.runner.engine.training.written import Written

EPOCHS = 10
"""Passes over the training part where a spec says nothing."""


class Diverged(Exception):
    """The loss is no longer a finite number. `op` is the first node that gave none, where one did."""

    def __init__(self, step: int, op: Op | None) -> None:
        finite = "all nodes gave finite values, so it is the loss itself"
        where = finite if op is None else f"the first node whose values are not finite is `{op.name}`"
        super().__init__(f"the loss at step {step} is not a finite number; {where}")
        self.step, self.op = step, op
        self.help = "a smaller `lr`, `clip_norm: 1.0` or `normalize: standard` on the data usually mend this"


class Watcher(Protocol):
    """Who is told what happens: the record of the run, and the display."""

    def metrics(self, step: int, figures: Mapping[str, float]) -> None: ...

    def stepped(self, step: int, loss: float | None) -> None: ...

    def evaluated(self, step: int, epoch: int, figures: Mapping[str, float]) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """What came of a training. `figures` are keyed as they are logged: `test/accuracy`."""

    figures: Mapping[str, float]
    objective: str
    """The figure that decided which weights are kept, such as `valid/accuracy`."""
    best_step: int
    steps: int
    epochs: float
    seconds: float
    stopped_early: bool
    baseline: str | None = None
    """What the figures `test/baseline_…` are those of, where the training computed some."""


@dataclass(frozen=True)
class Budget:
    """How long to train, in updates of the weights."""

    steps: int
    per_epoch: int
    evaluate_every: int

    @staticmethod
    def of(train: Train, examples: int) -> Budget:
        per_epoch = math.ceil(examples / train.batch_size)
        steps = train.steps if train.steps is not None else (train.epochs or EPOCHS) * per_epoch
        return Budget(steps, per_epoch, min(train.evaluate_every or per_epoch, steps))


def fit(
    network: Network,
    losses: Losses,
    meters: Meters,
    written: Written,
    data: Dataset,
    train: Train,
    device: torch.device,
    watch: Watcher,
    log_every: int,
) -> Outcome:
    """Train a network; it holds the best weights afterwards.

    Raises: Diverged if the loss becomes NaN or infinite. DataError if early stopping has no examples to watch.
    """
    assert isinstance(train.optimizer, Optimizer)
    if train.early_stopping is not None and data.valid is None:
        help = "enlarge `split.valid`, or leave out `early_stopping`"
        raise DataError("early stopping watches the validation part, which has no examples", help)
    budget = Budget.of(train, len(data.train))
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not parameters:
        raise DataError(f"{_trained(train)} no weights that could be trained", "see `nodes` under `train`, `freeze` and `share`")
    optimizer = train.optimizer.build(parameters)
    penalties = network.penalties(train.regularize)
    scaler = torch.amp.GradScaler(device.type, enabled=train.precision == "fp16")
    best = Best.watching(train, network.plan, data.valid is not None)
    wanted = tuple(dict.fromkeys((*losses.wanted, *meters.wanted)))
    figures: dict[str, float] = {}
    started = time.perf_counter()

    if data.valid is not None:  # the untrained network: an honest first point of every curve
        figures = evaluate(network, losses, meters, written, data.valid, train.batch_size, device, "valid", train.precision)
        watch.metrics(0, {best.objective: figures[best.objective], **figures, "train/epoch": 0.0})
        watch.evaluated(0, 0, figures)
        best.offer(0, figures, network)
    since, steps_since, examples_since = torch.zeros((), device=device), 0, 0
    waited = time.perf_counter()
    network.train()
    begun = 0
    for step, epoch, batch in _batches(data.train, train, budget):
        if epoch > begun and network.memory is not None:
            network.memory.forget()  # the streams begin anew
        begun = epoch
        batch = batch.to(device)
        with autocast(device, train.precision):
            values = network(batch, wanted)
            loss = losses.total(losses.sums(values, batch))
            objective = loss + penalty(penalties) if penalties else loss
        if not objective.requires_grad:
            raise DataError(f"{_trained(train)} no weights that the loss depends on", "see `nodes` under `train` and `freeze`")
        due = step % log_every == 0 or step in (1, budget.steps)
        if due or device.type == "cpu":  # reading the value waits for a GPU; on a CPU it is free
            value = float(loss.detach())
            if not math.isfinite(value):
                raise Diverged(step, _first_not_finite(network, batch))
            watch.stepped(step, value)
        _set_rate(optimizer, train, step - 1, budget.steps)
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(objective).backward()  # type: ignore[no-untyped-call]
        if train.clip_norm is not None:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(parameters, train.clip_norm)
        scaler.step(optimizer)
        scaler.update()
        meters.update(values, batch)
        since += loss.detach()
        steps_since += 1
        examples_since += batch.count
        if due:
            rate = optimizer.param_groups[0]["lr"]
            watch.metrics(step, {"train/loss": float(since) / steps_since, "train/lr": rate, "train/epoch": step / budget.per_epoch})
            since.zero_()
            steps_since = 0
        if step % budget.evaluate_every == 0 or step == budget.steps:
            figures = {f"train/{name}": figure for name, figure in meters.compute().items()}
            figures["train/examples_per_second"] = examples_since / (time.perf_counter() - waited)
            if data.valid is not None:
                figures |= evaluate(network, losses, meters, written, data.valid, train.batch_size, device, "valid", train.precision)
            watch.metrics(step, figures)
            watch.evaluated(step, epoch, figures)
            best.offer(step, figures, network)
            if best.is_late:
                break
            network.train()
            waited, examples_since = time.perf_counter(), 0

    best.restore(network)
    last: dict[str, float] = {}
    if data.valid is not None:
        last = {f"valid/best_{best.objective.removeprefix('valid/')}": best.value, "valid/best_step": float(best.step)}
    if data.test is not None:
        last |= evaluate(network, losses, meters, written, data.test, train.batch_size, device, "test", train.precision)
    watch.metrics(step, last)
    seconds = time.perf_counter() - started
    return Outcome({**figures, **last}, best.objective, best.step, step, step / budget.per_epoch, seconds, step < budget.steps)


@torch.no_grad()
def evaluate(
    network: Network,
    losses: Losses,
    meters: Meters,
    written: Written,
    part: Part,
    batch_size: int,
    device: torch.device,
    name: str,
    precision: str = "fp32",
) -> dict[str, float]:
    """Loss and metrics over a part, as `name/loss`, `name/accuracy` and so on."""
    network.eval()
    wanted = tuple(dict.fromkeys((*losses.wanted, *meters.wanted)))
    sums: list[list[tuple[Tensor, Tensor]]] = []
    with network.memory.elsewhere() if network.memory is not None else nullcontext():
        for batch in part.in_order(max(batch_size, 256)) if network.memory is None else map(part.batch, part.streams(1)):
            batch = batch.to(device)
            with autocast(device, precision):
                values = network(batch, wanted)
                sums.append(losses.sums(values, batch))
            meters.update(values, batch)
    totals = [(sum(total for total, _ in loss), sum(weight for _, weight in loss)) for loss in zip(*sums, strict=True)]
    figures = {f"{name}/loss": float(losses.total(totals))}
    figures |= {f"{name}/{label}": figure for label, figure in meters.compute().items()}
    return figures | written.judge(network, part, device, name, max(batch_size, 256))


def _trained(train: Train) -> str:
    return f"{', '.join(f'`{name}`' for name in train.nodes)}: there are" if train.nodes else "the network has"


def penalty(penalties: list[tuple[nn.Parameter, float, float]]) -> Tensor:
    """l1 * sum|w| + l2 * sum w^2, over all weights that are to stay small."""
    return torch.stack([l1 * weight.abs().sum() + l2 * weight.square().sum() for weight, l1, l2 in penalties]).sum()


def autocast(device: torch.device, precision: str) -> Any:
    """The number format of the large products."""
    return nullcontext() if precision == "fp32" else torch.autocast(device.type, torch.bfloat16 if precision == "bf16" else torch.float16)


def _batches(part: Part, train: Train, budget: Budget) -> Iterator[tuple[int, int, Batch]]:
    """(step, epoch, batch), both counted from 1."""
    step = epoch = 0
    order: Order = "streams" if train.carry_state else "as given" if train.shuffle is False else "shuffled"
    while True:
        epoch += 1
        for batch in part.batches(train.batch_size, train.seed, epoch, order):
            step += 1
            yield step, epoch, batch
            if step == budget.steps:
                return


def _set_rate(optimizer: torch.optim.Optimizer, train: Train, step: int, steps: int) -> None:
    if not isinstance(train.schedule, Schedule):
        return
    assert isinstance(train.optimizer, Optimizer)
    for group in optimizer.param_groups:
        group["lr"] = train.optimizer.lr * train.schedule.factor(step, steps)


def _first_not_finite(network: Network, batch: Batch) -> Op | None:
    """The first node that gives NaN or infinite values at real ticks."""
    with torch.no_grad():
        for op, value in network.each(batch):
            if op.shape.time is not None:
                value = value[real_ticks(batch.lengths[op.shape.time], len(value))]
            if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                return op
    return None
