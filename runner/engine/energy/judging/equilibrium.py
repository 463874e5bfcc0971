"""Samples of a machine in equilibrium: chains on the whole way from independent units to the machine, which change places.

A chain that starts at the data stays in its valley where valleys are deep; one that comes down from independent units chooses
its valley as the machine would.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from nnrun.runner.engine.energy.gibbs import Draw, Sampler
from nnrun.runner.engine.energy.judging.ais import Path
from nnrun.runner.engine.energy.machine import Machine, States

LEVELS = 20
"""Machines on the way; the first is that of independent units, the last the machine itself."""


@torch.no_grad()
def equilibrated(machine: Machine, base: Mapping[str, Tensor], draw: Draw, rounds: int, start: Mapping[str, Tensor]) -> States:
    """As many samples of the held groups as `start` has rows, after `rounds` of sweeps and exchanges.

    The colder half of the levels starts at `start`, the warmer one at independent units.
    Source: Desjardins et al. 2010, Tempered Markov chain Monte Carlo, with the way of annealed importance sampling for temperatures.
    """
    path, sampler = Path(machine, base), Sampler(machine, draw, base=base)
    count = len(next(iter(start.values())))
    betas = torch.linspace(0, 1, LEVELS).tolist()
    levels = [{name: start[name].clone() for name in path.held} if beta > 0.5 else path.first(draw, count) for beta in betas]
    for number in range(rounds):
        fields = [path.fields(states) for states in levels]
        for states, field, beta in zip(levels, fields, betas, strict=True):
            path.move(sampler, states, field, beta)
        for low in range(number % 2, LEVELS - 1, 2):
            _exchange(path, draw, levels[low], levels[low + 1], betas[low], betas[low + 1])
    return levels[-1]


def _exchange(path: Path, draw: Draw, one: States, other: States, low: float, high: float) -> None:
    """Let chains of two neighbouring levels change places, as often as keeps both distributions. Changes both."""
    fields = path.fields(one), path.fields(other)
    gain = path.log_mass(one, fields[0], high) + path.log_mass(other, fields[1], low)
    gain = gain - path.log_mass(one, fields[0], low) - path.log_mass(other, fields[1], high)
    swapped = (draw(gain).log() < gain).unsqueeze(1)
    for name in path.held:
        one[name], other[name] = torch.where(swapped, other[name], one[name]), torch.where(swapped, one[name], other[name])
