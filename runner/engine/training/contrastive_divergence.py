"""The training of an energy network, in the order of events."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import nn

from nnrun.registry.learners.contrastive_divergence import ContrastiveDivergence
from nnrun.registry.training import Optimizer, Schedule, Storage
from nnrun.runner.compiler.energy.learners import trained_nets
from nnrun.runner.compiler.language.spec import Train
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.batch import Order, Part
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.energy.contrast import Contrast
from nnrun.runner.engine.energy.gibbs import dice
from nnrun.runner.engine.energy.judging.judge import Judge
from nnrun.runner.engine.energy.machine import Machine, States
from nnrun.runner.engine.energy.restricted import Restricted
from nnrun.runner.engine.network.clamp import CHUNK, check_values, clamped, clamped_rows
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.pictures.tiles import pictures
from nnrun.runner.engine.training.best import Best
from nnrun.runner.engine.training.fit import Budget, Outcome
from nnrun.runner.engine.training.fit import Diverged as LossDiverged
from nnrun.runner.engine.training.storage import store

BETAS, CHAINS = 3000, 100
"""Steps and chains of the last annealed estimates."""

SHARE = 6
"""How many times fewer steps those during the training take."""

FALL = 0.1
"""A share of the best log-likelihood: who falls by more, and by more than one nat, is leaving the data."""


class Diverged(LossDiverged):
    """The weights are no longer finite numbers."""

    def __init__(self, step: int) -> None:
        Exception.__init__(self, f"the weights at step {step} are not finite numbers")
        self.step, self.op = step, None
        self.help = "a smaller `lr` usually mends this; for `gaussian_units` also `normalize: standard` on the data"


class Watcher(Protocol):
    """Who is told what happens."""

    def metrics(self, step: int, figures: Mapping[str, float]) -> None: ...

    def stepped(self, step: int, loss: float | None) -> None: ...

    def evaluated(self, step: int, epoch: int, figures: Mapping[str, float]) -> None: ...

    def warned(self, step: int, text: str) -> None: ...

    def image(self, key: str, step: int, png: bytes) -> None: ...


def train_machine(
    network: Network, plan: Plan, data: Dataset, device: torch.device, watch: Watcher, log_every: int, *, betas: int = BETAS
) -> Outcome:
    """Train the energy network that a stage names; it holds the best weights afterwards.

    `betas` are the steps of the last estimates of log Z. With 0 nothing is judged or drawn and the last weights are kept: what is left
    is the training itself.
    Raises: Diverged if weights become NaN or infinite. DataError if the units cannot hold the data.
    """
    train = plan.spec.train
    assert train is not None
    (net,) = trained_nets(train, plan.nets)
    machine = network.machines[next(iter(net.groups))]
    if isinstance(train.learner, Storage):
        return store(network, machine, plan, data, device, watch)
    assert isinstance(train.learner, ContrastiveDivergence)
    assert isinstance(train.optimizer, Optimizer)
    budget = Budget.of(train, len(data.train))
    generator = torch.Generator(device).manual_seed(train.seed)
    draw = dice(generator)
    seen = clamped_rows(network, machine, data.train, data.train.rows, device)
    check_values(machine, seen)
    held = clamped_rows(network, machine, data.valid, data.valid.rows, device) if data.valid is not None else None
    judge = Judge(machine, seen, held, draw)
    _start_biases(machine, judge)
    contrast: Contrast | Restricted
    if Restricted.serves(machine, train.learner):
        contrast = Restricted(machine, train.learner, generator, train.batch_size)
    else:
        contrast = Contrast(machine, train.learner, draw, train.batch_size)
    optimizer = train.optimizer.build(contrast.parameters)
    weights = list(machine.parameters().values())
    penalties = [item for item in network.penalties(train.regularize) if any(item[0] is own for own in weights)]
    changed = bool(penalties) or train.clip_norm is not None or train.learner.centred
    plain = isinstance(contrast, Restricted) and _is_plain(optimizer) and not changed
    best = _best(train, judge, data.valid is not None)
    fallen = False
    figures: dict[str, float] = {}
    started = time.perf_counter()

    def judged(step: int) -> dict[str, float]:
        found = judge.cheap(contrast.chains)
        if step == budget.steps or not judge.countable:
            found |= judge.annealed(None, betas if step == budget.steps else max(1, betas // SHARE), CHAINS)
        return found

    if betas:
        figures = judged(0)
        watch.metrics(0, {best.objective: figures.get(best.objective, math.nan), **figures, "train/epoch": 0.0})
        watch.evaluated(0, 0, figures)
        best.offer(0, figures, network)
    step, waited, examples = 0, time.perf_counter(), 0
    for epoch in range(1, math.ceil(budget.steps / budget.per_epoch) + 1):
        order = _shuffled(network, machine, data.train, train, epoch, device)
        for batch in zip(*(torch.split(state, train.batch_size) for state in order.values()), strict=True):
            step += 1
            given = dict(zip(order, batch, strict=True))
            rate = _rate(optimizer, train, step - 1, budget.steps)
            if plain:
                assert isinstance(contrast, Restricted)
                contrast.descend(given, rate)
            else:
                contrast.write_gradient(given)
                for weight, l1, l2 in penalties:
                    assert weight.grad is not None
                    weight.grad.add_(weight.detach(), alpha=2 * l2).add_(weight.detach().sign(), alpha=l1)
                if train.clip_norm is not None:
                    nn.utils.clip_grad_norm_(contrast.parameters, train.clip_norm)
                optimizer.step()
            examples += len(batch[0])
            if step % log_every == 0 or step in (1, budget.steps):
                if not all(bool(parameter.isfinite().all()) for parameter in contrast.parameters):
                    raise Diverged(step)
                watch.stepped(step, None)
                watch.metrics(step, {"train/lr": rate, "train/epoch": step / budget.per_epoch})
            if betas and (step % budget.evaluate_every == 0 or step == budget.steps):
                speed = examples / (time.perf_counter() - waited)
                figures = {**judged(step), "train/examples_per_second": speed}
                watch.metrics(step, figures)
                watch.evaluated(step, epoch, figures)
                best.offer(step, figures, network)
                if not fallen and (fallen := _has_fallen(figures.get(best.objective, math.nan), best.value)):
                    watch.warned(step, _fall(best, figures))
                for key, png in pictures(machine, judge, contrast.chains).items():
                    watch.image(key, step, png)
                if best.is_late:
                    break
                waited, examples = time.perf_counter(), 0
            if step == budget.steps:
                break
        if best.is_late or step == budget.steps:
            break

    seconds = time.perf_counter() - started
    if not betas:
        return Outcome(figures, best.objective, step, step, step / budget.per_epoch, seconds, False)
    best.restore(network)
    last = {f"{best.objective.replace('/', '/best_')}": best.value, f"{best.objective.partition('/')[0]}/best_step": float(best.step)}
    if best.step != step:  # the estimates were those of the last weights
        last |= judge.annealed(None, betas, CHAINS)
    if data.test is not None:
        last |= judge.tested(clamped_rows(network, machine, data.test, data.test.rows, device), {**figures, **last}.get("log_z/ais"))
    watch.metrics(step, last)
    baseline = "independent units" if "test/baseline_loglik" in last else None
    return Outcome({**figures, **last}, best.objective, best.step, step, step / budget.per_epoch, seconds, step < budget.steps, baseline)


def _start_biases(machine: Machine, judge: Judge) -> None:
    """Biases of clamped groups that are still zero give the means of the data from the start.

    Source: Hinton 2010, A practical guide to training restricted Boltzmann machines, section 8.
    """
    for name in machine.net.fed:
        bias = machine.groups[name].bias
        if bias is not None and bias.requires_grad and not bias.any():
            bias.data.copy_(judge.base[name])


def _shuffled(network: Network, machine: Machine, part: Part, train: Train, epoch: int, device: torch.device) -> States:
    """The clamped states of all examples in the order of an epoch."""
    order: Order = "as given" if train.shuffle is False else "shuffled"
    batches = part.batches(max(CHUNK, train.batch_size), train.seed, epoch, order)
    held = [clamped(network, machine, batch.to(device)) for batch in batches]
    return {name: torch.cat([states[name] for states in held]) for name in held[0]}


def _best(train: Train, judge: Judge, has_valid: bool) -> Best:
    stopping = train.early_stopping
    if not has_valid:
        return Best(f"train/{judge.objective}", higher=True, chooses=True)
    if stopping is None:
        return Best(f"valid/{judge.objective}", higher=True)
    return Best(stopping.monitor, higher=True, patience=stopping.patience, min_delta=stopping.min_delta)


def _rate(optimizer: torch.optim.Optimizer, train: Train, step: int, steps: int) -> float:
    """Set the learning rate of a step, and say it."""
    assert isinstance(train.optimizer, Optimizer)
    if isinstance(train.schedule, Schedule):
        for group in optimizer.param_groups:
            group["lr"] = train.optimizer.lr * train.schedule.factor(step, steps)
    return float(optimizer.param_groups[0]["lr"])


def _is_plain(optimizer: torch.optim.Optimizer) -> bool:
    """Whether a step is nothing but the rate times the gradient."""
    group = optimizer.param_groups[0]
    return type(optimizer) is torch.optim.SGD and not (group["momentum"] or group["weight_decay"] or group["maximize"])


def _has_fallen(now: float, best: float) -> bool:
    return not math.isfinite(now) or best - now > max(1.0, FALL * abs(best))


def _fall(best: Best, figures: Mapping[str, float]) -> str:
    now = figures.get(best.objective, math.nan)
    return (
        f"the learning diverges: `{best.objective}` was {best.value:.3f} at step {best.step} and is {now:.3f}; "
        "`persistent: true` with more `chains`, `centred: true` or a smaller `lr` usually mends this"
    )
