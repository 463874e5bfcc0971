"""The fast form of contrastive divergence for a restricted Boltzmann machine: two groups of binary units and one dense edge.

Weights and both biases are one tensor W* (N+1, M+1), a constant unit standing at the end of each group; the weights of the network
become views of it. Data and samples of a step are one stacked matrix, so that one product gives all hidden means, and random numbers
are drawn for both groups at once. It does what `Contrast` does with the same random numbers, in half the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nnrun.registry.learners.contrastive_divergence import ContrastiveDivergence
from nnrun.registry.modules.chance import Dice
from nnrun.registry.modules.groups import Binary
from nnrun.runner.engine.energy.machine import Machine, States
from nnrun.runner.engine.energy.moments import SHIFT
from nnrun.runner.engine.world.world import ALONE, World


class Restricted:
    """Writes gradients batch by batch, each process those of all, or, for the plainest optimizer, changes the weights at once.

    `dice` say which share of a batch is given.
    """

    def __init__(self, machine: Machine, learner: ContrastiveDivergence, dice: Dice, batch_size: int, world: World = ALONE) -> None:
        self.learner, self.dice, self.world = learner, dice, world
        (self.visible,) = machine.net.fed
        (self.hidden,) = (name for name in machine.groups if name != self.visible)
        visible, hidden = machine.groups[self.visible], machine.groups[self.hidden]
        (coupling,) = machine.couplings.values()
        n, m = visible.size, hidden.size
        assert visible.bias is not None
        assert hidden.bias is not None
        turned = machine.net.couplings[0].first != self.visible
        folded = visible.bias.new_zeros(n + 1, m + 1)
        folded[:n, :m] = coupling.weight.data.T if turned else coupling.weight.data
        folded[:n, m], folded[n, :m] = visible.bias.data, hidden.bias.data
        self.folded = nn.Parameter(folded)
        self.folded.grad = gradient = torch.zeros_like(folded)
        for parameter, view, grad in (
            (coupling.weight, folded[:n, :m], gradient[:n, :m]),
            (visible.bias, folded[:n, m], gradient[:n, m]),
            (hidden.bias, folded[n, :m], gradient[n, :m]),
        ):
            flip = turned and parameter is coupling.weight
            parameter.data, parameter.grad = (view.T, grad.T) if flip else (view, grad)
        self.views = (coupling.weight, visible.bias, hidden.bias)
        self.n, self.m, self.weights, self.gradient = n, m, folded, gradient
        self.up, self.down = folded[:, :m], folded[:n].T
        """Views of the weights: from the visible units to the hidden ones, and back."""
        chains = (learner.chains or batch_size) if learner.persistent else batch_size
        self.share = world.share(chains, chains)
        """Of the chains, where they go on from batch to batch."""
        top, count = max(1, world.share(batch_size, batch_size).count), max(1, self.share.count)
        self.top, self.rows = top, count
        self.v = folded.new_ones(top + count, n + 1)
        """Data above, samples below; a smaller batch stands right above the samples, too."""
        self.h = folded.new_ones(top + count, m + 1)
        """Hidden means of both."""
        self.sampled = folded.new_ones(count, m + 1)
        """Hidden states of the chains."""
        dice.begin(0)
        with dice.sharing(self.share):
            self.sampled[:, :m] = dice.uniform(self.sampled[:, :m]) < 0.5
        self.likely = folded.new_empty(count, n)
        self.room = folded.new_empty(max(top, count), n + m)
        """For as many random numbers as a sweep takes."""
        self.parts: dict[int, Views] = {}
        self.offset: tuple[Tensor, Tensor] | None = None

    @staticmethod
    def serves(machine: Machine, learner: ContrastiveDivergence) -> bool:
        """Whether a machine and what is asked for have this form."""
        groups = list(machine.groups.values())
        edges = list(machine.couplings.values())
        weights = [parameter for module in (*groups, *edges) for parameter in module.parameters()]
        return (
            len(groups) == 2
            and len(edges) == 1
            and not edges[0].lateral
            and edges[0].mask is None
            and len(machine.net.fed) == 1
            and all(isinstance(group, Binary) and group.bias is not None for group in groups)
            and all(parameter.requires_grad for parameter in weights)
            and learner.tempering is None
        )

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What an optimizer steps."""
        return [self.folded]

    def unfold(self) -> None:
        """The weights stand by themselves again: nothing is learned any more."""
        for parameter in self.views:
            parameter.data, parameter.grad = parameter.data.contiguous(), None

    def all_chains(self) -> States:
        """The states of the model phase, those of other processes too."""
        mine = {self.visible: self.v[self.top :, : self.n], self.hidden: self.sampled[:, : self.m]}
        return {name: self.world.joined(state[: self.share.count].clone()) for name, state in mine.items()}

    def state(self) -> dict[str, Any]:
        """What the next steps depend on beside weights: all chains, and means."""
        return {"offset": self.offset, "chains": self.all_chains()}

    def take(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.offset = state["offset"]
        self.v[self.top :, : self.n] = state["chains"][self.visible][self.share.rows]
        self.sampled[:, : self.m] = state["chains"][self.hidden][self.share.rows]

    def write_gradient(self, given: Mapping[str, Tensor]) -> None:
        """From a batch of clamped states, (B, N)."""
        part = self._phases(given[self.visible])
        data, model = self._weights(part)
        self.gradient.addmm_(part.data, part.means, beta=0, alpha=-data).addmm_(part.samples, part.dreamt, alpha=model)
        self.world.sum([self.gradient])
        if self.learner.centred:
            self._centre(self.gradient, part)

    def descend(self, given: Mapping[str, Tensor], rate: float) -> None:
        """A step of plain gradient descent: the products are added to the weights themselves."""
        part = self._phases(given[self.visible])
        data, model = self._weights(part)
        self.weights.addmm_(part.data, part.means, alpha=rate * data).addmm_(part.samples, part.dreamt, alpha=-rate * model)

    def _weights(self, part: Views) -> tuple[float, float]:
        """What an example counts, and a chain."""
        data = self.dice.share.weight if self.dice.share is not None else 1 / part.count
        return data, self.share.weight if self.learner.persistent else data

    def _phases(self, batch: Tensor) -> Views:
        """Fill in data and its hidden means, samples and their hidden means."""
        count = len(batch)
        part = self.parts.get(count)
        if part is None:
            part = self.parts[count] = Views.of(self, count)
        part.batch.copy_(batch)
        if not self.learner.persistent:  # chains start at hidden states of the data
            torch.mm(part.given, self.up, out=part.means_only).sigmoid_()
            self._draw(part)
            torch.lt(part.for_hidden, part.means_only[: part.rows], out=part.states)
        for step in range(self.learner.steps):
            self._draw(part)
            torch.mm(part.sampled, self.down, out=part.likely).sigmoid_()
            torch.lt(part.for_visible, part.likely, out=part.drawn)
            if step < self.learner.steps - 1:
                torch.mm(part.dream, self.up, out=part.dreamt_only).sigmoid_()
            else:  # data and samples in one product
                torch.mm(part.stacked, self.up, out=part.both).sigmoid_()
            torch.lt(part.for_hidden, part.dreamt_only, out=part.states)
        return part

    def _draw(self, part: Views) -> None:
        """Uniform numbers for a sweep."""
        if self.learner.persistent:
            batch, self.dice.share = self.dice.share, self.share
            self.dice.refill(part.room)
            self.dice.share = batch
        else:
            self.dice.refill(part.room)

    def _centre(self, gradient: Tensor, part: Views) -> None:
        """The same gradient around the running means; see `moments.Offsets`."""
        n, m = self.n, self.m
        weight = self._weights(part)[0]
        now = part.batch.sum(0) * weight, part.means_only.sum(0) * weight
        self.world.sum(now)
        if self.offset is None:
            self.offset = now
        self.offset = v, h = torch.lerp(self.offset[0], now[0], SHIFT), torch.lerp(self.offset[1], now[1], SHIFT)
        product, dv, dh = gradient[:n, :m], gradient[:n, m], gradient[n, :m]
        product.addr_(v, dh, alpha=-1).addr_(dv, h, alpha=-1)
        dv.sub_(product @ h)
        dh.sub_(v @ product)


@dataclass(frozen=True, slots=True)
class Views:
    """Places in the matrices of a step for a batch of `count` examples and `rows` chains. Making views takes as long as using them."""

    count: int
    rows: int
    batch: Tensor
    """Where the data goes, (count, N)."""
    given: Tensor
    """The same with the constant unit, (count, N+1)."""
    data: Tensor
    """Its transpose, for the gradient."""
    means: Tensor
    """Hidden means of the data with the constant unit, (count, M+1)."""
    means_only: Tensor
    drawn: Tensor
    """Where samples go, (rows, N)."""
    dream: Tensor
    samples: Tensor
    """The samples' transpose, for the gradient."""
    dreamt: Tensor
    """Hidden means of the samples with the constant unit, (rows, M+1)."""
    dreamt_only: Tensor
    stacked: Tensor
    """Data and samples, (count + rows, N+1)."""
    both: Tensor
    """Hidden means of both, (count + rows, M)."""
    sampled: Tensor
    """Hidden states of the chains with the constant unit."""
    states: Tensor
    likely: Tensor
    room: Tensor
    """For the random numbers of a sweep, (rows, N + M), and those of each group."""
    for_visible: Tensor
    for_hidden: Tensor

    @staticmethod
    def of(machine: Restricted, count: int) -> Views:
        n, m, start, top = machine.n, machine.m, machine.top - count, machine.top
        rows = machine.rows if machine.learner.persistent else count
        v, h, sampled = machine.v[start : top + rows], machine.h[start : top + rows], machine.sampled[:rows]
        return Views(
            count=count, rows=rows, batch=v[:count, :n], given=v[:count], data=v[:count].T, means=h[:count], means_only=h[:count, :m],
            drawn=v[count:, :n], dream=v[count:], samples=v[count:].T, dreamt=h[count:], dreamt_only=h[count:, :m], stacked=v,
            both=h[:, :m], sampled=sampled, states=sampled[:, :m], likely=machine.likely[:rows],
            room=machine.room[:rows], for_visible=machine.room[:rows, :n], for_hidden=machine.room[:rows, n:],
        )  # fmt: skip
