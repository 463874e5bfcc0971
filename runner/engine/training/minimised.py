"""What backprop makes small, as a module: so that a process among many can give it away to be wrapped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.objective import Losses

Penalties = Sequence[tuple[Tensor, float, float]]
"""Weights that are to stay small, with the strength of their absolute values and of their squares."""


class Found(NamedTuple):
    """What came of a batch."""

    objective: Tensor
    """What is minimised, which alone leads back to the weights."""
    losses: Tensor
    """As `Losses.told` gives them: what is minimised first."""
    values: dict[str, Tensor]


class Minimised(nn.Module):
    """The losses of a network, and the penalties on its weights."""

    def __init__(self, network: Network, losses: Losses, penalties: Penalties, wanted: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.losses, self.penalties, self.wanted = network, losses, penalties, wanted

    def forward(self, batch: Batch, weights: Tensor | None = None, times: float = 1.0, penalised: bool = True) -> Found:
        """`weights` are those of all that is learned from in this step, (losses,); of this batch alone where they are None.

        The loss is what the batch adds to that of the step, the objective `times` that; penalties enter once a step.
        """
        values = self.network(batch, self.wanted)
        sums = self.losses.sums(values, batch)
        if weights is not None:
            counts = 1.0 if batch.share is None or batch.share.count else 0.0
            sums = [(counts * total, weight) for (total, _), weight in zip(sums, weights, strict=True)]
        means = self.losses.means(sums)
        loss = self.losses.total(means)
        objective = loss * times if times != 1.0 else loss
        if self.penalties and penalised:
            objective = objective + penalty(self.penalties)
        if times != 1.0:  # whoever wraps this waits for a gradient of all that leads back
            values = {name: value.detach() for name, value in values.items()}
        return Found(objective, self.losses.told(means), values)


def penalty(penalties: Penalties) -> Tensor:
    """l1 * sum|w| + l2 * sum w^2, over all weights that are to stay small."""
    return torch.stack([l1 * weight.abs().sum() + l2 * weight.square().sum() for weight, l1, l2 in penalties]).sum()
