"""Moments of states, and the gradient that follows from those of the data and of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nnrun.registry.modules.chance import Share
from nnrun.runner.engine.energy.machine import Machine

SHIFT = 0.05
"""How far a running mean moves towards the mean of a batch."""


@dataclass(frozen=True)
class Moments:
    """Means of the groups (N), and of the products x y' of the coupled ones (N, M)."""

    means: Mapping[str, Tensor]
    products: Mapping[str, Tensor]

    @staticmethod
    def of(machine: Machine, states: Mapping[str, Tensor], share: Share | None = None) -> Moments:
        """Of all states, or what a share of them adds to that."""
        count = len(next(iter(states.values())))
        weight = 1 / count if share is None else share.weight
        means = {name: state.sum(0) * weight for name, state in states.items()}
        products = {edge.name: (states[edge.first].T @ states[edge.second]) * weight for edge in machine.net.couplings}
        return Moments(means, products)

    @property
    def tensors(self) -> list[Tensor]:
        return [*self.means.values(), *self.products.values()]

    def __sub__(self, other: Moments) -> Moments:
        means = {name: mean - other.means[name] for name, mean in self.means.items()}
        return Moments(means, {name: product - other.products[name] for name, product in self.products.items()})


class Offsets:
    """Running means of the activities, around which moments are taken.

    Source: Melchior, Fischer and Wiskott 2016, How to center deep Boltzmann machines, equations 13 to 16.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.means: dict[str, Tensor] = {}

    def follow(self, means: Mapping[str, Tensor]) -> None:
        """Move towards the means of a data phase."""
        for name, mean in means.items():
            self.means[name] = torch.lerp(self.means[name], mean, SHIFT) if name in self.means else mean.clone()

    def centred(self, difference: Moments) -> Moments:
        """The same difference of moments, taken around the means: <(x - m)(y - n)> instead of <x y>."""
        products = {}
        means = dict(difference.means)
        for edge in self.machine.net.couplings:
            first, second = self.means[edge.first], self.means[edge.second]
            product = difference.products[edge.name]
            product = product - torch.outer(first, difference.means[edge.second]) - torch.outer(difference.means[edge.first], second)
            products[edge.name] = product = self.machine.couplings[edge.name].tied(product) / (1 + edge.lateral)
            means[edge.second] = means[edge.second] - first @ product
            if not edge.lateral:
                means[edge.first] = means[edge.first] - product @ second
        return Moments(means, products)


def write_gradient(machine: Machine, difference: Moments) -> None:
    """Put the gradient of the negative log-likelihood into `.grad`, as if it were computed backwards."""
    for name, group in machine.groups.items():
        if group.bias is not None and group.bias.requires_grad:
            _put(group.bias, -difference.means[name])
    for name, coupling in machine.couplings.items():
        if coupling.weight.requires_grad:
            # a product of a group with itself is symmetric already
            gradient = coupling.tied(difference.products[name]) / (1 + coupling.lateral)
            _put(coupling.weight, -gradient)


def _put(parameter: Tensor, gradient: Tensor) -> None:
    if parameter.grad is None:
        parameter.grad = gradient
    else:
        parameter.grad.copy_(gradient)
