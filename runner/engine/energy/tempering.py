"""Parallel tempering: chains at several temperatures that change places, so that the coldest do not stay in one valley."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from nnrun.runner.compiler.energy.net import Phase
from nnrun.runner.engine.energy.gibbs import Sampler
from nnrun.runner.engine.energy.machine import States


class Tempered:
    """`count` chains at each of `temperatures` inverse temperatures, evenly from 1 to 0.

    Source: Desjardins et al. 2010, Tempered Markov chain Monte Carlo for training of restricted Boltzmann machines.
    """

    def __init__(self, sampler: Sampler, phase: Phase, count: int, temperatures: int) -> None:
        self.phase, self.count, self.draw = phase, count, sampler.draw
        self.sampler = replace(sampler, draw=self._drawn)
        self.states = self.sampler.begin(count * temperatures)
        like = next(iter(self.states.values()))
        levels = torch.linspace(1, 0, temperatures + 1, dtype=like.dtype, device=like.device)[:-1]
        self.betas = levels.repeat_interleave(count).unsqueeze(1)

    @property
    def coldest(self) -> States:
        """The chains at temperature 1."""
        return {name: state[: self.count] for name, state in self.states.items()}

    def _drawn(self, like: Tensor, places: int = 0) -> Tensor:
        return self.draw(self.by_level(like), places + 1).reshape(like.shape)

    def by_level(self, states: Tensor) -> Tensor:
        """(levels * count, N) -> (levels, count, N)."""
        return states.view(-1, self.count, states.shape[1])

    def sweep(self, sweeps: int) -> None:
        """Sample all chains, then let those of neighbouring temperatures change places, even pairs and odd pairs in turn."""
        self.sampler.sweep(self.states, self.phase, self.betas, sweeps)
        levels = len(self.betas) // self.count
        for start in range(2):
            energies = self.sampler.machine.energy(self.states).view(levels, self.count)
            betas = self.betas.view(levels, self.count)
            order = torch.arange(levels, device=energies.device).unsqueeze(1).repeat(1, self.count)
            for level in range(start, levels - 1, 2):
                gain = (betas[level] - betas[level + 1]) * (energies[level] - energies[level + 1])
                swapped = self.draw(gain).log() < gain
                order[level], order[level + 1] = torch.where(swapped, level + 1, level), torch.where(swapped, level, level + 1)
            for name, state in self.states.items():
                self.states[name] = self._exchanged(state, order, levels)

    def _exchanged(self, state: Tensor, order: Tensor, levels: int) -> Tensor:
        places = state.view(levels, self.count, -1)
        return places.gather(0, order.unsqueeze(2).expand_as(places)).reshape(state.shape)
