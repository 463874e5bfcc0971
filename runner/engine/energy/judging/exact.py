"""Exact answers of small networks, by going through all states of some groups and summing out the others: the oracle of all estimates."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from nnrun.runner.engine.energy.machine import Machine, States

CHUNK = 1 << 14
"""States that are looked at together."""


def is_countable(machine: Machine, given: tuple[str, ...] = ()) -> bool:
    """Whether the network is small enough."""
    return machine.net.enumerated(given) is not None


def all_states(machine: Machine, names: tuple[str, ...]) -> States:
    """Every joint state of some groups, (S, N) each."""
    held = [machine.groups[name].states() for name in names]
    picks = torch.cartesian_prod(*(torch.arange(len(states)) for states in held)) if held else torch.zeros(1, 0, dtype=torch.long)
    picks = picks.reshape(len(picks), len(names))
    return {name: states[picks[:, index]] for index, (name, states) in enumerate(zip(names, held, strict=True))}


def log_partition(machine: Machine) -> Tensor:
    """log Z. Differentiable: its derivatives are the moments. A number."""
    names = machine.net.enumerated()
    assert names is not None
    if not names:
        fields = {name: machine.field(name, {}) for name in machine.groups}
        return sum(machine.groups[name].log_normaliser(field).sum() for name, field in fields.items())  # type: ignore[return-value]
    states = all_states(machine, names)
    chunks = zip(*(torch.split(state, CHUNK) for state in states.values()), strict=True)
    return torch.stack([machine.log_mass(dict(zip(names, chunk, strict=True))).logsumexp(0) for chunk in chunks]).logsumexp(0)


def log_mass(machine: Machine, given: Mapping[str, Tensor]) -> Tensor:
    """log of exp(-E) summed over all that is not given -> (B,)."""
    names = machine.net.enumerated(tuple(given))
    assert names is not None
    if not names:
        return machine.log_mass(given)
    states = all_states(machine, names)
    count = len(next(iter(states.values())))
    rows = []
    for row in range(len(next(iter(given.values())))):
        fixed = {name: state[row : row + 1].expand(count, -1) for name, state in given.items()}
        rows.append(machine.log_mass({**fixed, **states}).logsumexp(0))
    return torch.stack(rows)


def log_likelihood(machine: Machine, given: Mapping[str, Tensor]) -> Tensor:
    """Log probability of each example -> (B,)."""
    return log_mass(machine, given) - log_partition(machine)


def distribution(machine: Machine) -> tuple[States, Tensor]:
    """Every state of a network of discrete groups, and its probability (S,)."""
    states = all_states(machine, tuple(machine.groups))
    return states, torch.softmax(-machine.energy(states), 0)
