"""Annealed importance sampling: the log of Z by going from independent units to the network in small steps, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nnrun.runner.engine.energy.gibbs import Draw, Sampler
from nnrun.runner.engine.energy.machine import Machine, States


@dataclass(frozen=True)
class Estimate:
    """An estimate of log Z. From below it tends to be too small, from above (`reverse`) too large."""

    log_z: float
    error: float
    """Standard error, by the delta method."""
    effective: float
    """Effective sample size: of so many chains with equal weights."""

    @staticmethod
    def of(start: float, weights: Tensor, sign: int) -> Estimate:
        """From log weights (chains,): log Z = start + sign * log mean exp(weights)."""
        relative = (weights - weights.max()).exp().double()
        error = float(relative.std() / relative.mean() / math.sqrt(len(weights)))
        mean = float(weights.double().logsumexp(0)) - math.log(len(weights))
        return Estimate(start + sign * mean, error, float(relative.sum().square() / relative.square().sum()))


@dataclass
class Path:
    """Networks between independent units with biases `base` (beta 0) and the machine (beta 1): fields are mixed linearly.

    Some groups are held as states; the others, which do not depend on each other then, are summed out.
    """

    machine: Machine
    base: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        self.summed = self.machine.net.summed()
        self.held = tuple(name for name in self.machine.groups if name not in self.summed)
        if not self.held:  # units without any coupling
            self.held, self.summed = tuple(self.machine.groups), ()

    @property
    def start(self) -> float:
        """log Z at beta 0."""
        return sum(float(group.log_normaliser(self.base[name].unsqueeze(0))) for name, group in self.machine.groups.items())

    def fields(self, states: States) -> States:
        """Fields of the summed groups at beta 1."""
        return {name: self.machine.field(name, states) for name in self.summed}

    def log_mass(self, states: States, fields: States, beta: float) -> Tensor:
        """log of the mass of the held states at beta, without q, which is the same everywhere -> (B,)."""
        linear = sum((state @ self.base[name] for name, state in states.items()), 0.0)
        total = (1 - beta) * linear + beta * self.machine.agreement(states)
        for name, field in fields.items():
            total = total + self.machine.groups[name].log_normaliser(torch.lerp(self.base[name].expand_as(field), field, beta))
        return total

    def first(self, draw: Draw, chains: int) -> States:
        """States of independent units."""
        zeros = self.machine.empty(chains, self.held)
        return {name: self.machine.groups[name].sample(zero + self.base[name], draw(zero)) for name, zero in zeros.items()}

    def move(self, sampler: Sampler, states: States, fields: States, beta: float) -> None:
        """A sweep that leaves the distribution at beta as it is. Changes `states`."""
        sampler.share = beta
        full = dict(states)
        for name, field in fields.items():
            mixed = torch.lerp(self.base[name].expand_as(field), field, beta)
            full[name] = self.machine.groups[name].sample(mixed, sampler.draw(mixed))
        for names in self.machine.net.phase(self.summed).colours:
            for name in names:
                full[name] = states[name] = sampler.sample(name, full)


@torch.no_grad()
def forward(machine: Machine, base: Mapping[str, Tensor], draw: Draw, betas: int, chains: int) -> Estimate:
    """log Z from independent units up. Tends to be too small.

    Source: Neal 2001, Annealed importance sampling; Salakhutdinov and Murray 2008, On the quantitative analysis of deep belief networks.
    """
    path, sampler = Path(machine, base), Sampler(machine, draw, base=base)
    states = path.first(draw, chains)
    weights = next(iter(states.values())).new_zeros(chains)
    fields = path.fields(states)
    for step in range(1, betas + 1):
        before, beta = (step - 1) / betas, step / betas
        weights += path.log_mass(states, fields, beta) - path.log_mass(states, fields, before)
        path.move(sampler, states, fields, beta)
        fields = path.fields(states)
    return Estimate.of(path.start, weights, 1)


@torch.no_grad()
def reverse(machine: Machine, base: Mapping[str, Tensor], draw: Draw, betas: int, samples: Mapping[str, Tensor]) -> Estimate:
    """log Z from samples of the machine down. Tends to be too large, if they are true samples.

    Source: Burda, Grosse and Salakhutdinov 2015, Accurate and conservative estimates of MRF log-likelihood using reverse annealing.
    """
    path, sampler = Path(machine, base), Sampler(machine, draw, base=base)
    states = {name: samples[name].clone() for name in path.held}
    weights = next(iter(states.values())).new_zeros(len(next(iter(states.values()))))
    fields = path.fields(states)
    for step in range(betas, 0, -1):
        before, beta = (step - 1) / betas, step / betas
        path.move(sampler, states, fields, beta)
        fields = path.fields(states)
        weights += path.log_mass(states, fields, before) - path.log_mass(states, fields, beta)
    return Estimate.of(path.start, weights, -1)
