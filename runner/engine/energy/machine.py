"""An energy network: groups and couplings as one distribution.

E(x) = sum over groups of (q(x) - bias . x) - sum over couplings of x W y, a lateral one counted half; p(x) = exp(-E(x)) / Z.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nnrun.registry.modules.coupling import Coupling
from nnrun.registry.modules.groups import Group
from nnrun.runner.compiler.energy.net import Net

States = dict[str, Tensor]
"""The state of each group, (B, N)."""

MEAN_FIELD = 10
"""Sweeps after which the groups that depend on each other are read."""

DAMPING = 0.5
"""How much a laterally coupled group keeps of its old mean in a sweep; without it the means may swing for ever."""


@dataclass(frozen=True)
class Reading:
    """What reaches a group over one coupling."""

    coupling: Coupling
    other: str
    backward: bool
    """Whether the group is the first of the coupling, and reads the transpose."""

    def field(self, state: Tensor) -> Tensor:
        weight = self.coupling.weight
        return state @ (weight.T if self.backward else weight)


class Machine:
    """The groups and couplings of a net. It owns no weights; the network does."""

    def __init__(self, net: Net, groups: Mapping[str, Group], couplings: Mapping[str, Coupling]) -> None:
        self.net, self.groups, self.couplings = net, groups, couplings
        self.readings: dict[str, list[Reading]] = {name: [] for name in groups}
        self.lateral: dict[str, Coupling] = {}
        for edge in net.couplings:
            coupling = couplings[edge.name]
            if edge.lateral:
                self.lateral[edge.first] = coupling
            else:
                self.readings[edge.second].append(Reading(coupling, edge.first, backward=False))
                self.readings[edge.first].append(Reading(coupling, edge.second, backward=True))

    def empty(self, count: int, names: Collection[str] | None = None) -> States:
        """States of zeros."""
        wanted = self.groups if names is None else names
        return {name: self.groups[name].origin.new_zeros(count, self.groups[name].size) for name in wanted}

    def field(self, name: str, states: Mapping[str, Tensor], *, lateral: bool = True) -> Tensor:
        """What reaches the units of a group: the bias and the coupled groups that have a state -> (B, N)."""
        group = self.groups[name]
        parts = [reading.field(states[reading.other]) for reading in self.readings[name] if reading.other in states]
        if lateral and name in self.lateral and name in states:
            parts.append(states[name] @ self.lateral[name].weight)
        if group.bias is not None:
            parts.append(group.bias)
        if not parts:
            return group.origin.new_zeros(len(next(iter(states.values()))), group.size)
        total = sum(parts[1:], parts[0])
        return total if total.ndim == 2 else total.expand(len(next(iter(states.values()))) if states else 1, -1)

    def agreement(self, states: Mapping[str, Tensor]) -> Tensor:
        """The negative energy without q, of the groups that have a state -> (B,)."""
        terms = []
        for name, state in states.items():
            bias = self.groups[name].bias
            if bias is not None:
                terms.append(state @ bias)
            if name in self.lateral:
                terms.append(0.5 * (state @ self.lateral[name].weight * state).sum(1))
        for edge in self.net.couplings:
            if not edge.lateral and edge.first in states and edge.second in states:
                terms.append((states[edge.first] @ self.couplings[edge.name].weight * states[edge.second]).sum(1))
        count = len(next(iter(states.values())))
        return sum(terms[1:], terms[0]) if terms else next(iter(self.groups.values())).origin.new_zeros(count)

    def energy(self, states: Mapping[str, Tensor]) -> Tensor:
        """Energy of whole states; lower is more probable -> (B,)."""
        return sum((self.groups[name].quadratic(state) for name, state in states.items()), -self.agreement(states))

    def log_mass(self, states: Mapping[str, Tensor]) -> Tensor:
        """log of exp(-E) summed over all states of the groups without one, which must not depend on each other -> (B,).

        Its negative is the free energy.
        """
        rest = [name for name in self.groups if name not in states]
        return sum((self.groups[name].log_normaliser(self.field(name, states)) for name in rest), -self.energy(states))

    def mean_field(self, given: Mapping[str, Tensor], start: Mapping[str, Tensor] | None = None, sweeps: int = MEAN_FIELD) -> States:
        """Means of the groups that are not given, by sweeps over the colours of the schedule. Differentiable.

        `start` says where groups begin; others have no influence before their first turn. Exact where they do not depend on each other.
        """
        phase = self.net.phase(given)
        states: States = {**(start or {}), **given}
        order = [name for names in phase.colours for name in names if name not in (start or {})] + list(start or {})
        for _ in range(1 if phase.exact and not start else sweeps):
            for name in order:
                mean = self.groups[name].mean(self.field(name, states))
                damped = name in self.lateral and name in states
                states[name] = DAMPING * states[name] + (1 - DAMPING) * mean if damped else mean
        return {name: states[name] for name in self.groups}

    def bound(self, given: Mapping[str, Tensor], means: Mapping[str, Tensor]) -> Tensor:
        """A lower bound of the log mass: that of independent units with the fields that `means` give; exact where none depend on
        each other -> (B,).

        Source: Salakhutdinov and Hinton 2009, Deep Boltzmann machines, equation 8, without log Z.
        """
        fields = {name: self.field(name, means) for name in self.groups if name not in given}
        expected = {**given, **{name: self.groups[name].mean(field) for name, field in fields.items()}}
        total = self.agreement(expected) - sum(self.groups[name].quadratic(state) for name, state in given.items())
        for name, field in fields.items():  # A - f m: the entropy of the units, less their q
            total = total + self.groups[name].log_normaliser(field) - (field * expected[name]).sum(1)
        return total

    def parameters(self) -> dict[str, Tensor]:
        """All weights, `group.bias` and `first--second.weight`."""
        biases = {f"{name}.bias": group.bias for name, group in self.groups.items() if group.bias is not None}
        return {**biases, **{f"{name}.weight": coupling.weight for name, coupling in self.couplings.items()}}


def uniform(like: Tensor, generator: torch.Generator | None, rows: int | None = None) -> Tensor:
    """Random numbers between 0 and 1 in the form of a state."""
    size = like.shape if rows is None else (rows, like.shape[1])
    return torch.rand(size, generator=generator, dtype=like.dtype, device=like.device)
