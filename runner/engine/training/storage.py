"""Storing patterns at once, and how well they are recalled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nnrun.registry.field import DataError
from nnrun.registry.modules.groups import Gaussian
from nnrun.registry.training import Storage
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.energy.machine import Machine
from nnrun.runner.engine.energy.recall import asynchronous, corrupted, overlap
from nnrun.runner.engine.network.clamp import clamped_rows
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.pictures.tiles import framing, recollections
from nnrun.runner.engine.training.fit import Outcome

if TYPE_CHECKING:
    from nnrun.runner.engine.training.contrastive_divergence import Watcher

LEVELS = tuple(range(0, 51, 5))
"""Per cent of the numbers of a pattern that are wrong in its cue."""

USUAL = 10
"""Per cent that are wrong where only one figure is asked for."""

CUES = 500
"""Most patterns that are recalled for a figure."""

LOADS = 10
"""Numbers of stored patterns that are tried, up to all of them."""

EMPTY = -1e4
"""Bias of a slot that holds no pattern."""

ROUNDING = 1e-4
"""Of the energy, as a share of the squares in it, which nearly cancel."""

SETTLING = 5
"""Sweeps of mean field of a modern Hopfield net; one or two are enough."""


def store(network: Network, machine: Machine, plan: Plan, data: Dataset, device: torch.device, watch: Watcher) -> Outcome:
    """Store the training part, and recall it from corrupted cues.

    Figures: `recall/overlap` and `recall/exact` with the per cent of wrong numbers as step, `load/overlap` and `load/exact` with the
    number of stored patterns as step and 10 % wrong, and `energy/rises`, which must be 0. Raises: DataError for too few slots.
    """
    train = plan.spec.train
    assert train is not None
    assert isinstance(train.learner, Storage)
    started = time.perf_counter()
    (name,) = machine.net.fed
    patterns = clamped_rows(network, machine, data.train, data.train.rows, device)[name]
    generator = torch.Generator().manual_seed(train.seed)
    memory = Slots(machine, name) if isinstance(machine.groups[name], Gaussian) else Lattice(machine, name, train.learner)
    rises = 0
    for load in sorted({max(1, round(len(patterns) * step / LOADS)) for step in range(1, LOADS + 1)}):
        memory.hold(patterns[:load])
        alike, exact, rose = _recalled(memory, patterns[:load], USUAL, generator)
        watch.metrics(load, {"load/overlap": alike, "load/exact": exact})
        rises += rose
    for level in LEVELS:
        alike, exact, rose = _recalled(memory, patterns, level, generator)
        watch.metrics(level, {"recall/overlap": alike, "recall/exact": exact})
        rises += rose
        if level == USUAL:
            figures = {"train/overlap": alike, "train/exact": exact}
    figures["energy/rises"] = float(rises)
    frame = framing(machine.net.groups[name])
    if frame is not None:
        for level in (USUAL, 2 * USUAL, 3 * USUAL):
            watch.image("recall", level, recollections(memory.steps(patterns[:10], level, generator), frame))
    watch.metrics(1, figures)
    watch.evaluated(1, 1, figures)
    return Outcome(figures, "train/overlap", 1, 1, 1.0, time.perf_counter() - started, False)


def _recalled(memory: Lattice | Slots, patterns: Tensor, level: int, generator: torch.Generator) -> tuple[float, float, int]:
    """Mean overlap, share of patterns recalled without an error, and how often the energy rose."""
    some = patterns[:CUES]
    result, rises = memory.recall(memory.cue(some, level, generator))
    alike = memory.alike(result, some)
    return float(alike.mean()), float(memory.right(result, some).float().mean()), rises


class Lattice:
    """A Hopfield net: bipolar units, each coupled with all others."""

    def __init__(self, machine: Machine, name: str, rule: Storage) -> None:
        self.machine, self.name, self.rule = machine, name, rule

    def hold(self, patterns: Tensor) -> None:
        coupling = self.machine.lateral[self.name]
        coupling.weight.data.copy_(coupling.allowed(self.rule.store(patterns.double()).to(patterns.dtype)))

    def cue(self, patterns: Tensor, level: int, generator: torch.Generator) -> Tensor:
        return corrupted(patterns, level / 100, generator)

    def recall(self, cues: Tensor) -> tuple[Tensor, int]:
        done = asynchronous(self.machine, {self.name: cues}, watch=True)
        return done.states[self.name], int(done.rises or 0)

    def alike(self, states: Tensor, patterns: Tensor) -> Tensor:
        return overlap(states, patterns)

    def right(self, states: Tensor, patterns: Tensor) -> Tensor:
        return (states == patterns).all(1)

    def steps(self, patterns: Tensor, level: int, generator: torch.Generator) -> list[Tensor]:
        """Patterns, cues, and the states after one, two, and all sweeps, as pixels."""
        cues = self.cue(patterns, level, generator)
        states = [asynchronous(self.machine, {self.name: cues}, sweeps=sweeps).states[self.name] for sweeps in (1, 2, 100)]
        return [(state + 1) / 2 for state in (patterns, cues, *states)]


class Slots:
    """A modern Hopfield net: real numbers, and a slot for each pattern.

    Source: Ramsauer et al. 2021, Hopfield networks is all you need, equation 3.
    """

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine, self.name = machine, name
        (self.slots,) = (other for other in machine.groups if other != name)
        self.patterns = torch.empty(0)

    def hold(self, patterns: Tensor) -> None:
        """A slot k has the field x . x_k / variance, less |x_k|^2 / (2 variance) where slots have a bias. Raises: DataError."""
        units, slots = self.machine.groups[self.name], self.machine.groups[self.slots]
        assert isinstance(units, Gaussian)
        if len(patterns) > slots.size:
            what = f"`{self.slots}` has {slots.size} slots, and there are {len(patterns)} patterns to store"
            raise DataError(what, f"`units: {len(patterns)}` holds them all")
        (edge,) = self.machine.net.couplings
        weight = self.machine.couplings[edge.name].weight
        columns = weight.data if edge.first == self.name else weight.data.T
        columns.zero_()
        columns[:, : len(patterns)] = patterns.T / units.variance
        if slots.bias is not None:
            slots.bias.data.fill_(EMPTY)
            slots.bias.data[: len(patterns)] = -patterns.square().sum(1) / (2 * units.variance)
        self.patterns = patterns

    def cue(self, patterns: Tensor, level: int, generator: torch.Generator) -> Tensor:
        """Some of the numbers replaced by the mean of all patterns."""
        lost = torch.rand(patterns.shape, generator=generator).to(patterns.device) < level / 100
        return torch.where(lost, self.patterns.mean(0), patterns)

    @torch.no_grad()
    def recall(self, cues: Tensor, sweeps: int = SETTLING) -> tuple[Tensor, int]:
        """States after some sweeps of mean field, and how often the energy rose."""
        state, rises = cues, 0
        before = self._energy(state)
        for _ in range(sweeps):
            state = self.machine.mean_field({}, {self.name: state}, 1)[self.name]
            after = self._energy(state)
            rises += int((after > before + ROUNDING * (1 + self.machine.groups[self.name].quadratic(state))).sum())
            before = after
        return state, rises

    def alike(self, states: Tensor, patterns: Tensor) -> Tensor:
        return torch.cosine_similarity(states, patterns)

    def right(self, states: Tensor, patterns: Tensor) -> Tensor:
        return torch.cdist(states, self.patterns).argmin(1) == torch.arange(len(patterns), device=states.device)

    def steps(self, patterns: Tensor, level: int, generator: torch.Generator) -> list[Tensor]:
        cues = self.cue(patterns, level, generator)
        return [patterns, cues, *(self.recall(cues, sweeps)[0] for sweeps in (1, 2))]

    def _energy(self, state: Tensor) -> Tensor:
        """The energy with the slots summed out; mean field in one sweep never raises it."""
        return -self.machine.log_mass({self.name: state})
