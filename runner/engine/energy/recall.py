"""Recall: a network at temperature 0 runs downhill from a cue to what it remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nnrun.runner.engine.energy.gibbs import Sampler, dice
from nnrun.runner.engine.energy.lateral import SLACK
from nnrun.runner.engine.energy.machine import Machine, States

SWEEPS = 100
"""After so many sweeps a recall ends, settled or not. Most settle within ten."""


@dataclass(frozen=True)
class Recalled:
    """What came of some cues."""

    states: States
    settled: Tensor
    """Which cues reached a state that stays, (B,)."""
    cycles: Tensor
    """Which cues ended in two states that change places for ever, (B,); asynchronous recall never does."""
    sweeps: int
    """Sweeps until the last one settled."""
    rises: int | None
    """How often the energy of a cue rose in a sweep, where that was asked for; asynchronous recall never raises it."""


@torch.no_grad()
def asynchronous(
    machine: Machine, cues: Mapping[str, Tensor], held: Mapping[str, Tensor] | None = None, sweeps: int = SWEEPS, *, watch: bool = False
) -> Recalled:
    """Every unit in its turn, sweep after sweep, until nothing changes. The energy falls with each change.

    `held` units, (B, N) or (N,) for some groups, stay as they are. Ties leave a unit as it is. With `watch` the energy is looked at
    after each sweep, which takes as long as the sweep.
    Source: Hopfield 1982, Neural networks and physical systems with emergent collective computational abilities.
    """
    done = {name: cue.clone() for name, cue in cues.items()}
    first = next(iter(done.values()))
    phase = machine.net.phase(())
    going = torch.arange(len(first), device=first.device)
    energy = _energy(machine, done) if watch else first
    rises = count = 0
    while len(going) and count < sweeps:
        count += 1
        now = {name: state[going] for name, state in done.items()}
        kept = {name: mask if mask.ndim == 1 else mask[going] for name, mask in (held or {}).items()}
        sampler, before = Sampler(machine, dice(), kept), dict(now)
        for names in phase.colours:
            for name in names:
                now[name] = sampler.settle(name, now)
        for name in done:
            done[name][going] = now[name]
        if watch:
            lower = _energy(machine, now)
            rises += int((lower > energy[going] + 1e-9 * energy[going].abs()).sum())
            energy[going] = lower
        going = going[~_same(before, now)]
    settled = torch.ones(len(first), dtype=torch.bool, device=first.device)
    settled[going] = False
    return Recalled(done, settled, torch.zeros_like(settled), count, rises if watch else None)


@torch.no_grad()
def synchronous(machine: Machine, cues: Mapping[str, Tensor], sweeps: int = SWEEPS) -> Recalled:
    """All units at once, until a state repeats: one that stays, or two that change places. The energy may rise.

    Source: Goles, Fogelman and Pellegrin 1985, Decreasing energy functions as a tool for studying threshold networks (no longer cycles).
    """
    now = dict(cues)
    before: States | None = None
    energy, rises, count = _energy(machine, now), 0, 0
    settled = cycles = torch.zeros(len(energy), dtype=torch.bool, device=energy.device)
    while count < sweeps and not bool((settled | cycles).all()):
        count += 1
        new = {name: machine.groups[name].settle(machine.field(name, now), state, _slack(machine, name)) for name, state in now.items()}
        settled = _same(new, now)
        cycles = ~settled & _same(new, before) if before is not None else torch.zeros_like(settled)
        lower = _energy(machine, new)
        rises += int((lower > energy + 1e-9 * energy.abs()).sum())
        before, now, energy = now, new, lower
    return Recalled(now, settled, cycles, count, rises)


def corrupted(patterns: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Patterns (P, N) of -1 and +1 with a share of each one's units flipped, exactly."""
    flipped = round(share * patterns.shape[1])
    places = torch.rand(patterns.shape, generator=generator).argsort(1)[:, :flipped].to(patterns.device)
    return patterns.scatter(1, places, -patterns.gather(1, places))


def overlap(states: Tensor, patterns: Tensor) -> Tensor:
    """How alike states are to patterns: 1 if equal, 0 if unrelated -> (B,)."""
    return (states * patterns).mean(1)


def _same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> Tensor:
    return torch.stack([(state == other[name]).all(1) for name, state in one.items()]).all(0)


def _slack(machine: Machine, name: str) -> float:
    return SLACK * float(machine.lateral[name].weight.detach().abs().max()) if name in machine.lateral else 0.0


def _energy(machine: Machine, states: Mapping[str, Tensor]) -> Tensor:
    """In double precision, whatever the weights have: the differences are what matters."""
    double = {name: state.double() for name, state in states.items()}
    total = sum((machine.groups[name].quadratic(state) for name, state in double.items()), next(iter(double.values())).new_zeros(()))
    for name, weight in machine.parameters().items():
        first, _, second = name.rpartition(".")[0].partition("--")
        held = double[first] @ weight.double()
        total = total - (held if not second else (held * double[second]).sum(1) * (0.5 if first == second else 1.0))
    return total
