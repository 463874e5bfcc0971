"""Gibbs sampling by the schedule that follows from the graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from nnrun.registry.modules.groups import Beta, TwoValued
from nnrun.runner.compiler.energy.net import Phase
from nnrun.runner.engine.energy.lateral import SLACK, as_indices, neighbours, sparse_field, sweep_dense
from nnrun.runner.engine.energy.machine import Machine, States


class Draw(Protocol):
    """Uniform random numbers between 0 and 1 in the form of a tensor; `places` is the axis along which chains or examples lie."""

    def __call__(self, like: Tensor, places: int = 0) -> Tensor: ...


def dice(generator: torch.Generator | None = None) -> Draw:
    """Random numbers of a generator, or of torch's own, one after the other."""

    def draw(like: Tensor, places: int = 0) -> Tensor:
        return torch.rand(like.shape, generator=generator, dtype=like.dtype, device=like.device)

    return draw


@dataclass
class Sampler:
    """Samples from a machine, or from one on the way to it from independent units (ais.py)."""

    machine: Machine
    draw: Draw
    held: Mapping[str, Tensor] = field(default_factory=dict)
    """Which units stay as they are, (B, N) or (N,), for some groups."""
    base: Mapping[str, Tensor] | None = None
    """Biases of the independent units."""
    share: float = 1.0
    """How much of the machine there is in every field; the rest is `base`."""

    def __post_init__(self) -> None:
        net = self.machine.net
        self.tables = {}
        self.unit_colours = {}
        for name, coupling in self.machine.lateral.items():
            if coupling.mask is not None:
                self.tables[name] = neighbours(coupling.mask)
                self.unit_colours[name] = as_indices(net.unit_colours[name], coupling.weight.device)

    def begin(self, count: int) -> States:
        """Independent random states: those without any coupling or bias."""
        states = self.machine.empty(count)
        return {name: self.machine.groups[name].sample(zeros, self.draw(zeros)) for name, zeros in states.items()}

    @torch.no_grad()
    def sweep(self, states: States, phase: Phase, beta: Beta = 1.0, sweeps: int = 1) -> None:
        """Sample every group that the phase leaves free, colour after colour. Changes `states`."""
        for _ in range(sweeps):
            for names in phase.colours:
                for name in names:
                    states[name] = self.sample(name, states, beta)

    def sample(self, name: str, states: Mapping[str, Tensor], beta: Beta = 1.0) -> Tensor:
        """A new state of one group, all others fixed."""
        group = self.machine.groups[name]
        outer = self.outer(name, states)
        if name not in self.machine.lateral:
            new = group.sample(outer, self.draw(outer), beta)
            return torch.where(self.held[name], states[name], new) if name in self.held else new
        assert isinstance(group, TwoValued)
        return self._one_by_one(name, states[name], outer - group.threshold(self.draw(outer), beta), 0.0)

    def outer(self, name: str, states: Mapping[str, Tensor]) -> Tensor:
        """What reaches a group from elsewhere."""
        field = self.machine.field(name, states, lateral=False)
        return field if self.base is None else torch.lerp(self.base[name].expand_as(field), field, self.share)

    def settle(self, name: str, states: Mapping[str, Tensor]) -> Tensor:
        """The state of a group at temperature 0: every unit as its field says, in its turn where they are coupled."""
        group, now = self.machine.groups[name], states[name]
        outer = self.outer(name, states)
        if name in self.machine.lateral:
            return self._one_by_one(name, now, outer, SLACK * float(self.machine.lateral[name].weight.detach().abs().max()))
        new = group.settle(outer, now)
        return torch.where(self.held[name], now, new) if name in self.held else new

    def _one_by_one(self, name: str, now: Tensor, outer: Tensor, slack: float) -> Tensor:
        group, coupling = self.machine.groups[name], self.machine.lateral[name]
        assert isinstance(group, TwoValued)
        if name in self.held:  # no other field weighs against this one
            stays = torch.where(now > (group.low + group.high) / 2, torch.inf, -torch.inf)
            outer = torch.where(self.held[name], stays, outer)
        states, weight = now.T.clone(memory_format=torch.contiguous_format), self.share * coupling.weight.detach()
        base, values = outer.T.contiguous(), (group.low, group.high)
        if name in self.tables:
            for units in self.unit_colours[name]:
                over = sparse_field(weight, states, units, self.tables[name]) + base[units]
                new = (over > 0).to(states.dtype) * (group.high - group.low) + group.low
                states[units] = torch.where(over.abs() <= slack, states[units], new)
        else:
            sweep_dense(weight, states, base, values, slack)
        return states.T.contiguous()
