"""Pictures of what an energy network has learned, dreams and remembers, as PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from nnrun.runner.engine.energy.judging.judge import Judge
from nnrun.runner.engine.energy.machine import Machine
from nnrun.runner.engine.pictures.tiles import framing, tiles

TILES = 100
"""Most pictures in one."""


def pictures(machine: Machine, judge: Judge, chains: Mapping[str, Tensor]) -> dict[str, bytes]:
    """By key: filters of each coupling of a group of pixels, samples of the chains, and reconstructions beside the data."""
    found = {}
    for name in machine.net.fed:
        frame = framing(machine.net.groups[name])
        if frame is None:
            continue
        for edge in machine.net.couplings:
            if name in (edge.first, edge.second) and not edge.lateral:
                weight = machine.couplings[edge.name].weight.detach()
                filters = weight.T if edge.first == name else weight
                strength = float(filters.abs().max()) or 1.0
                found[f"filters/{edge.name}"] = tiles(0.5 + 0.5 * filters[:TILES] / strength, frame)
        found[f"samples/{name}"] = tiles(chains[name][:TILES], frame)
        found[f"reconstructions/{name}"] = _reconstructions(machine, judge, name, frame)
    return found


def _reconstructions(machine: Machine, judge: Judge, name: str, frame: tuple[int, int, int]) -> bytes:
    """Above the data, below what the hidden means make of it."""
    given = {group: state[:10] for group, state in judge.parts["train"].items()}
    with torch.no_grad():
        held = machine.mean_field(given)
        again = machine.groups[name].mean(machine.field(name, held))
    return tiles(torch.cat([given[name], again]), frame, columns=len(again))


def recollections(steps: Sequence[Tensor], frame: tuple[int, int, int]) -> bytes:
    """One cue a row: the pattern, the cue, the states after the sweeps. Each step is (cues, N)."""
    return tiles(torch.stack(list(steps), 1).flatten(0, 1), frame, columns=len(steps))
