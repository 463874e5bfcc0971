"""Contrastive divergence of any energy network: a data phase, a model phase, and the gradient between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from nnrun.registry.learners.contrastive_divergence import ContrastiveDivergence
from nnrun.registry.modules.chance import Dice
from nnrun.runner.engine.energy.gibbs import Sampler
from nnrun.runner.engine.energy.machine import Machine, States
from nnrun.runner.engine.energy.moments import Moments, Offsets, write_gradient
from nnrun.runner.engine.energy.tempering import Tempered
from nnrun.runner.engine.world.world import ALONE, World


class Contrast:
    """Writes gradients batch by batch, each process those of all. `chains` are this process' states of the model phase.

    `dice` say which share of a batch is given.
    """

    def __init__(self, machine: Machine, learner: ContrastiveDivergence, dice: Dice, batch_size: int, world: World = ALONE) -> None:
        self.machine, self.learner, self.dice, self.world = machine, learner, dice, world
        self.sampler = Sampler(machine, dice.uniform)
        self.offsets = Offsets(machine)
        self.model = machine.net.phase(())
        self.data = machine.net.phase(machine.net.fed)
        self.goes_on = learner.persistent or learner.tempering is not None
        """Whether chains go on from batch to batch."""
        self.places = (learner.chains or batch_size) if self.goes_on else batch_size
        self.share = world.share(self.places, self.places)
        """Of the chains that go on."""
        count = max(1, self.share.count)
        dice.begin(0)
        with dice.sharing(self.share):
            self.tempered = Tempered(self.sampler, self.model, count, learner.tempering) if learner.tempering else None
            self.chains: States = self.tempered.coldest if self.tempered else self.sampler.begin(count)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What an optimizer steps."""
        modules = [*self.machine.groups.values(), *self.machine.couplings.values()]
        return [parameter for module in modules for parameter in module.parameters() if parameter.requires_grad]

    def state(self) -> dict[str, Any]:
        """What the next steps depend on beside weights: all chains, those of other processes too."""
        tempered: States = {}
        if self.tempered:
            mine = {name: self.tempered.by_level(state)[:, : self.share.count] for name, state in self.tempered.states.items()}
            tempered = {name: self.world.joined(state, 1) for name, state in mine.items()}
        return {"chains": self.all_chains(), "offsets": dict(self.offsets.means), "tempered": tempered}

    def all_chains(self) -> States:
        """The chains of all processes."""
        share = self.share if self.goes_on or self.dice.share is None else self.dice.share
        return {name: self.world.joined(state[: share.count]) for name, state in self.chains.items()}

    def take(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.offsets.means = dict(state["offsets"])
        if self.tempered:
            self.tempered.states = {name: held[:, self.share.rows].flatten(0, 1) for name, held in state["tempered"].items()}
            self.chains = self.tempered.coldest
        else:
            self.chains = {name: held[self.world.share(self.places, len(held)).rows] for name, held in state["chains"].items()}

    @torch.no_grad()
    def write_gradient(self, given: Mapping[str, Tensor]) -> None:
        """From a batch of clamped states, (B, N) for each clamped group."""
        held = self.data_phase(given)
        share = self.dice.share
        positive = Moments.of(self.machine, held, share)
        with self.dice.sharing(self.share if self.goes_on else share):
            difference = positive - Moments.of(self.machine, self.model_phase(given, held), self.dice.share)
        self.world.sum(difference.tensors)
        if self.learner.centred:
            self.world.sum(positive.means.values())
            self.offsets.follow(positive.means)
            difference = self.offsets.centred(difference)
        write_gradient(self.machine, difference)

    def data_phase(self, given: Mapping[str, Tensor]) -> States:
        """States of all groups while the data is clamped: means where they are known, else by mean field or sampled."""
        if self.data.exact or self.learner.data_phase == "mean_field":
            return self.machine.mean_field(given, sweeps=self.learner.data_sweeps)
        states = {**self.sampler.begin(len(next(iter(given.values())))), **given}
        self.sampler.sweep(states, self.data, sweeps=self.learner.data_sweeps)
        return states

    def model_phase(self, given: Mapping[str, Tensor], held: Mapping[str, Tensor]) -> States:
        """States of the model: those of the groups sampled last are replaced by their means, where these are known."""
        if self.tempered is not None:
            self.tempered.sweep(self.learner.steps)
            self.chains = self.tempered.coldest
        else:
            if not self.learner.persistent:
                self.chains = self._begun_at(given, held)
            self.sampler.sweep(self.chains, self.model, sweeps=self.learner.steps)
        states = dict(self.chains)
        for name in self.model.colours[-1] if len(self.model.colours) > 1 else ():
            if name not in self.machine.lateral:
                states[name] = self.machine.groups[name].mean(self.machine.field(name, states))
        return states

    def _begun_at(self, given: Mapping[str, Tensor], held: Mapping[str, Tensor]) -> States:
        """Chains that start at the data, hidden groups at a sample."""
        states = dict(given)
        for name, group in self.machine.groups.items():
            if name not in given:
                field = self.machine.field(name, held)
                states[name] = group.sample(field, self.sampler.draw(field))
        return states
