"""Networks that store patterns and recall them: a Hopfield net, and a modern one."""

from __future__ import annotations

import torch
from torch import Tensor

from nnrun.registry.field import DataError
from nnrun.registry.modules.groups import Gaussian
from nnrun.registry.training import Storage
from nnrun.runner.engine.energy.machine import Machine
from nnrun.runner.engine.energy.recall import asynchronous, corrupted, overlap

EMPTY = -1e4
"""Bias of a slot that holds no pattern."""

ROUNDING = 1e-4
"""Of the energy, as a share of the squares in it, which nearly cancel."""

SETTLING = 5
"""Sweeps of mean field of a modern Hopfield net; one or two are enough."""


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
