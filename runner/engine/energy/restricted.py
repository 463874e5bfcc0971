"""The fast form of contrastive divergence for a restricted Boltzmann machine: two groups of binary units and one dense edge.

Weights and both biases are one tensor W* (N+1, M+1), a constant unit standing at the end of each group; the weights of the network
become views of it. Data and samples of a step are one stacked matrix, so that one product gives all hidden means, and random numbers
are drawn in bulk. It does what `Contrast` does with the same random numbers, in half the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nnrun.registry.learners.contrastive_divergence import ContrastiveDivergence
from nnrun.registry.modules.groups import Binary
from nnrun.runner.engine.energy.machine import Machine, States
from nnrun.runner.engine.energy.moments import SHIFT

BULK = 1 << 18
"""Random numbers that are drawn at once: as many as a cache holds."""


class Restricted:
    """Writes gradients batch by batch, or, for the plainest optimizer, changes the weights at once."""

    def __init__(self, machine: Machine, learner: ContrastiveDivergence, generator: torch.Generator | None, batch_size: int) -> None:
        self.learner, self.generator = learner, generator
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
        self.n, self.m, self.weights, self.gradient = n, m, folded, gradient
        self.up, self.down = folded[:, :m], folded[:n].T
        """Views of the weights: from the visible units to the hidden ones, and back."""
        count = (learner.chains or batch_size) if learner.persistent else batch_size
        self.top, self.rows = batch_size, count
        self.v = folded.new_ones(batch_size + count, n + 1)
        """Data above, samples below; a smaller batch stands right above the samples, too."""
        self.h = folded.new_ones(batch_size + count, m + 1)
        """Hidden means of both."""
        self.sampled = folded.new_ones(count, m + 1)
        """Hidden states of the chains."""
        self.sampled[:, :m] = torch.rand(count, m, generator=generator, device=folded.device) < 0.5
        self.likely = folded.new_empty(count, n)
        self.drawn: dict[int, list[tuple[Tensor, Tensor]]] = {}
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

    @property
    def chains(self) -> States:
        """The states of the model phase."""
        return {self.visible: self.v[self.top :, : self.n].clone(), self.hidden: self.sampled[:, : self.m].clone()}

    def state(self) -> dict[str, Any]:
        """What the next steps depend on beside weights and random numbers to come: samples, means, and numbers drawn in bulk."""
        drawn = {rows: [torch.stack(side) for side in zip(*pairs, strict=True)] for rows, pairs in self.drawn.items() if pairs}
        return {"v": self.v.clone(), "sampled": self.sampled.clone(), "offset": self.offset, "drawn": drawn}

    def take(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.v.copy_(state["v"])
        self.sampled.copy_(state["sampled"])
        self.offset = state["offset"]
        self.drawn = {rows: list(zip(*(side.unbind() for side in sides), strict=True)) for rows, sides in state["drawn"].items()}

    def write_gradient(self, given: Mapping[str, Tensor]) -> None:
        """From a batch of clamped states, (B, N)."""
        part = self._phases(given[self.visible])
        self.gradient.addmm_(part.data, part.means, beta=0, alpha=-1 / part.count).addmm_(part.samples, part.dreamt, alpha=1 / part.rows)
        if self.learner.centred:
            self._centre(self.gradient, part)

    def descend(self, given: Mapping[str, Tensor], rate: float) -> None:
        """A step of plain gradient descent: the products are added to the weights themselves."""
        part = self._phases(given[self.visible])
        self.weights.addmm_(part.data, part.means, alpha=rate / part.count).addmm_(part.samples, part.dreamt, alpha=-rate / part.rows)

    def _phases(self, batch: Tensor) -> Views:
        """Fill in data and its hidden means, samples and their hidden means."""
        count = len(batch)
        part = self.parts.get(count)
        if part is None:
            part = self.parts[count] = Views.of(self, count)
        part.batch.copy_(batch)
        if not self.learner.persistent:  # chains start at hidden states of the data
            torch.mm(part.given, self.up, out=part.means_only).sigmoid_()
            torch.lt(self._random(part.rows)[1], part.means_only[: part.rows], out=part.states)
        for step in range(self.learner.steps):
            seen, hidden = self._random(part.rows)
            torch.mm(part.sampled, self.down, out=part.likely).sigmoid_()
            torch.lt(seen, part.likely, out=part.drawn)
            if step < self.learner.steps - 1:
                torch.mm(part.dream, self.up, out=part.dreamt_only).sigmoid_()
            else:  # data and samples in one product
                torch.mm(part.stacked, self.up, out=part.both).sigmoid_()
            torch.lt(hidden, part.dreamt_only, out=part.states)
        return part

    def _random(self, rows: int) -> tuple[Tensor, Tensor]:
        """Uniform numbers for a sweep, (rows, N) and (rows, M)."""
        drawn = self.drawn.get(rows)  # the last batch of an epoch may be smaller
        if not drawn:
            width = self.n + self.m
            size = (max(1, BULK // (rows * width)), rows, width)
            numbers = torch.rand(size, generator=self.generator, dtype=self.weights.dtype, device=self.weights.device)
            drawn = list(zip(numbers[:, :, : self.n].unbind(), numbers[:, :, self.n :].unbind(), strict=True))
            self.drawn[rows] = drawn
        return drawn.pop()

    def _centre(self, gradient: Tensor, part: Views) -> None:
        """The same gradient around the running means; see `moments.Offsets`."""
        n, m = self.n, self.m
        now = part.batch.mean(0), part.means_only.mean(0)
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

    @staticmethod
    def of(machine: Restricted, count: int) -> Views:
        n, m, start, top = machine.n, machine.m, machine.top - count, machine.top
        rows = machine.rows if machine.learner.persistent else count
        v, h, sampled = machine.v[start : top + rows], machine.h[start : top + rows], machine.sampled[:rows]
        return Views(
            count=count, rows=rows, batch=v[:count, :n], given=v[:count], data=v[:count].T, means=h[:count], means_only=h[:count, :m],
            drawn=v[count:, :n], dream=v[count:], samples=v[count:].T, dreamt=h[count:], dreamt_only=h[count:, :m], stacked=v,
            both=h[:, :m], sampled=sampled, states=sampled[:, :m], likely=machine.likely[:rows],
        )  # fmt: skip
