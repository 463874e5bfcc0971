"""Learning by contrastive divergence: an energy network, the data that clamps it, and what it dreams."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import torch

from nnrun.registry.learners.contrastive_divergence import ContrastiveDivergence
from nnrun.registry.modules.chance import Dice, Share, seed_of
from nnrun.runner.compiler.energy.learners import trained_nets
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.energy.contrast import Contrast
from nnrun.runner.engine.energy.gibbs import dice
from nnrun.runner.engine.energy.judging.judge import OBJECTIVE, Judge, crossed
from nnrun.runner.engine.energy.machine import Machine, States
from nnrun.runner.engine.energy.restricted import Restricted
from nnrun.runner.engine.network.clamp import CHUNK, clamped, clamped_rows, learned_rows
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.pictures.energy import pictures
from nnrun.runner.engine.training.best import Best, higher_figures
from nnrun.runner.engine.training.blame.values import first_weights
from nnrun.runner.engine.training.descent.descent import Descent
from nnrun.runner.engine.training.diverged import Diverged
from nnrun.runner.engine.training.learner import Budget, Judged, Learner
from nnrun.runner.engine.world.world import ALONE, World, on

BETAS, CHAINS = 3000, 100
"""Steps and chains of the last annealed estimates."""

SHARE = 6
"""How many times fewer steps those during the training take."""

ESTIMATED = ("log_z", "loglik")
"""Figures of the kept weights where they are not the last: called `log_z/best_ais`, as those of the last step have its name."""

FALL = 0.1
"""A share of the best log-likelihood: who falls by more, and by more than one nat, is leaving the data."""


class Given(NamedTuple):
    """What a step learns from."""

    states: States
    """Of the clamped groups, (B, N) each."""
    share: Share
    """Of the batch."""


class Contrasting(Learner[Given]):
    """Trains the energy network that a stage names.

    `betas` are the steps of the last estimates of log Z. With 0 nothing is judged or drawn and the last weights are kept: what is left
    is the training itself. Raises: DataError if the units cannot hold the data.
    """

    def __init__(self, network: Network, plan: Plan, data: Dataset, device: torch.device, betas: int = BETAS, world: World = ALONE) -> None:
        assert plan.spec.train is not None
        assert isinstance(plan.spec.train.learner, ContrastiveDivergence)
        train, rule = plan.spec.train, plan.spec.train.learner
        (net,) = trained_nets(train, plan.nets)
        self.machine, self.betas = network.machines[next(iter(net.groups))], betas
        self.dice, self.judged = Dice(train.seed, device), torch.Generator(device)
        seen = learned_rows(network, self.machine, data.train, device)
        held = clamped_rows(network, self.machine, data.valid, data.valid.rows, device) if data.valid is not None else None
        self.judging = Judge(self.machine, seen, held, dice(self.judged))
        start_biases(self.machine, self.judging)
        self.contrast: Contrast | Restricted
        if Restricted.serves(self.machine, rule):
            self.contrast = Restricted(self.machine, rule, self.dice, train.batch_size, world)
        else:
            self.contrast = Contrast(self.machine, rule, self.dice, train.batch_size, world)
        super().__init__(network, plan, data, device, Budget.of(train, len(data.train)), _best(train, data.valid is not None), world)
        self.descent = Descent(train, self.contrast.parameters, self.budget.steps, device)
        weights = list(self.machine.parameters().values())
        self.penalties = [item for item in network.penalties(train.regularize) if any(item[0] is own for own in weights)]
        self.tied = {coupling.weight: coupling.tied for coupling in self.machine.couplings.values()}
        """The derivative by the numbers that are free, for each weight tensor."""
        self.fast = self.contrast if isinstance(self.contrast, Restricted) and self.descent.is_plain and world.is_alone else None
        """The form of the plainest step, where there is nothing else to do with a gradient."""
        if self.penalties or rule.centred:
            self.fast = None
        self.fallen = self.crossed = False
        """Whether it was warned of a fall, and of estimates that cross."""
        self.baseline = "independent units"

    def batches(self, epoch: int, first: int = 0) -> Iterator[Given]:
        batches = self.data.train.batches(max(CHUNK, self.train.batch_size), self.train.seed, epoch, self.order)
        held = [clamped(self.network, self.machine, batch.to(self.device)) for batch in batches]
        whole = {name: torch.cat([states[name] for states in held]) for name in held[0]}
        for batch in islice(zip(*(torch.split(state, self.train.batch_size) for state in whole.values()), strict=True), first, None):
            share = self.world.share(self.train.batch_size, len(batch[0]))
            yield Given({name: state[share.rows] for name, state in zip(whole, batch, strict=True)}, share)

    def step(self, number: int, batch: Given, due: bool) -> float | None:
        rate = self.descent.set_rate(number)
        self.dice.begin(number, batch.share)
        if self.fast is not None:
            self.fast.descend(batch.states, rate)
        else:
            self.contrast.write_gradient(batch.states)
            for weight, l1, l2 in self.penalties:
                assert weight.grad is not None
                weight.grad.add_(self.tied[weight](2 * l2 * weight.detach() + l1 * weight.detach().sign()))
            self.descent.step()
        self.examples += batch.share.whole
        if due:
            self._check_weights(number)
        return None

    def _check_weights(self, step: int) -> None:
        """Raises: Diverged."""
        if not all(bool(parameter.isfinite().all()) for parameter in self.contrast.parameters):
            raise Diverged.weights(step, first_weights(self.network))

    def since(self) -> dict[str, float]:
        return self.descent.told

    def judge(self, step: int) -> Judged | None:
        if not self.betas:
            return None
        self._check_weights(step)
        chains = self.contrast.all_chains()
        self.judged.manual_seed(seed_of(self.train.seed, step))
        figures = self.judging.cheap(chains)
        last = step == self.budget.steps
        if last or not self.judging.countable:
            figures |= self.judging.annealed(self.betas if last else max(1, self.betas // SHARE), CHAINS)
        drawn = pictures(self.machine, self.judging, chains)
        warnings = self._warnings(figures) if step else []
        return Judged(figures, warnings=warnings, pictures=[(key, step, png) for key, png in drawn.items()])

    def heed(self, figures: Mapping[str, float]) -> None:
        self.descent.heed(figures, higher_figures(self.plan))

    def conclude(self, step: int, figures: Mapping[str, float]) -> Judged:
        if isinstance(self.contrast, Restricted):
            self.contrast.unfold()
        if not self.betas:
            return Judged({})
        self.judged.manual_seed(seed_of(self.train.seed, self.best.step))
        estimates: Mapping[str, float] = {}
        if self.best.step != step:  # those of this step are of the last weights
            estimates = self.judging.annealed(self.betas, CHAINS)
        found = {name.replace("/", "/best_"): figure for name, figure in estimates.items() if name.partition("/")[0] in ESTIMATED}
        if self.data.test is not None:
            given = clamped_rows(self.network, self.machine, self.data.test, self.data.test.rows, self.device)
            found |= self.judging.tested(given, {**figures, **estimates}.get("log_z/ais"))
        return Judged(found, warnings=self._doubts(estimates))

    def _warnings(self, figures: Mapping[str, float]) -> list[str]:
        """What an evaluation gives reason to say, each thing once."""
        now = figures.get(self.best.objective, math.nan)
        if self.fallen or not _has_fallen(now, self.best.value):
            return self._doubts(figures)
        self.fallen = True
        return [_fall(self.best, now), *self._doubts(figures)]

    def _doubts(self, figures: Mapping[str, float]) -> list[str]:
        """That estimates cross, if that was not said before."""
        if self.crossed or (doubt := crossed(figures)) is None:
            return []
        self.crossed = True
        return [doubt]

    def state(self) -> dict[str, Any]:
        own = {"fallen": self.fallen, "crossed": self.crossed}
        return {**super().state(), **self.descent.state(), "contrast": self.contrast.state(), **own}

    def take(self, state: Mapping[str, Any]) -> None:
        super().take(state)
        self.descent.take(state)
        self.contrast.take(on(self.device, state["contrast"]))
        self.fallen, self.crossed = state["fallen"], state["crossed"]


def start_biases(machine: Machine, judge: Judge) -> None:
    """Biases of clamped groups that are still zero give the means of the data from the start.

    Source: Hinton 2010, A practical guide to training restricted Boltzmann machines, section 8.
    """
    for name in machine.net.fed:
        bias = machine.groups[name].bias
        if bias is not None and bias.requires_grad and not bias.any():
            bias.data.copy_(judge.base[name])


def _best(train: Train, has_valid: bool) -> Best:
    stopping = train.early_stopping
    if not has_valid:
        return Best(f"train/{OBJECTIVE}", higher=True, chooses=True)
    if stopping is None:
        return Best(f"valid/{OBJECTIVE}", higher=True)
    return Best(stopping.monitor, higher=True, patience=stopping.patience, min_delta=stopping.min_delta)


def _has_fallen(now: float, best: float) -> bool:
    return not math.isfinite(now) or best - now > max(1.0, FALL * abs(best))


def _fall(best: Best, now: float) -> str:
    return (
        f"the learning diverges: `{best.objective}` was {best.value:.3f} at step {best.step} and is {now:.3f}; "
        "`persistent: true` with more `chains`, `centred: true` or a smaller `lr` usually mends this"
    )
