"""Pseudo-likelihood: how well each clamped unit is predicted by all others, over all of them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from nnrun.runner.engine.energy.machine import Machine


def is_known(machine: Machine) -> bool:
    """Whether it can be computed: the hidden groups do not depend on each other, and the clamped ones have countable states."""
    hidden = [name for name in machine.groups if name not in machine.net.fed]
    alone = set(hidden) <= set(machine.net.summed(machine.net.fed))
    return alone and bool(machine.net.fed) and all(machine.groups[name].support() is not None for name in machine.net.fed)


@torch.no_grad()
def pseudo_likelihood(machine: Machine, given: Mapping[str, Tensor]) -> Tensor:
    """Sum over the clamped units of log p(unit | all other units), hidden groups summed out -> (B,).

    Shape: given (B, N) for each clamped group. Unlike the usual estimate from one random bit it has no noise.
    Source: Besag 1975, Statistical analysis of non-lattice data.
    """
    hidden = {name: machine.field(name, given) for name in machine.groups if name not in given}
    now = sum(machine.groups[name].log_normaliser(field) for name, field in hidden.items())
    total = next(iter(given.values())).new_zeros(len(next(iter(given.values()))))
    for name, state in given.items():
        group, support = machine.groups[name], machine.groups[name].support()
        assert support is not None
        field = machine.field(name, given)
        for start in range(0, group.size, group.wide):
            unit = slice(start, start + group.wide)
            gains = []
            for other in support:
                change = other - state[:, unit]
                gain = (change * field[:, unit]).sum(1) - now
                for reading in machine.readings[name]:
                    if reading.other in hidden:
                        weight = reading.coupling.weight
                        moved = change @ (weight[unit] if reading.backward else weight[:, unit].T)
                        gain = gain + machine.groups[reading.other].log_normaliser(hidden[reading.other] + moved)
                gains.append(gain)
            total -= torch.stack(gains).logsumexp(0)
    return total
