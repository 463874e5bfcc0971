"""The moving average of weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from nnrun.runner.compiler.language.training import Average
from nnrun.runner.engine.world.split import divided, joined, local


class Averaged:
    """Follows weights from update to update, and takes their place while they are judged and kept.

    It begins as a copy of the weights, so no start at zero has to be made up for; until then the weights stand for themselves.
    Source: PyTorch, torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn.
    """

    def __init__(self, settings: Average, weights: Sequence[Tensor], like: Sequence[Tensor]) -> None:
        """`weights` are what this process has of those that are `like` them."""
        self.settings, self.weights, self.like = settings, [*weights], like
        self.mean: list[Tensor] = []
        """Of each weight; nothing before it begins."""
        self.updates = 0
        self.exchanged = False
        """Whether the weights and their average stand in each other's place."""

    @torch.no_grad()
    def update(self) -> None:
        """The weights have changed."""
        self.updates += 1
        if self.mean:
            torch._foreach_lerp_(self.mean, self.weights, 1 - self.settings.decay)
        elif self.updates > self.settings.start:
            self.mean = [weight.detach().clone() for weight in self.weights]

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Within it the weights are their average."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def settle(self) -> None:
        """The weights become their average, and it ends."""
        for weight, mean in self._pairs():
            weight.copy_(mean)
        self.mean = []

    def state(self) -> dict[str, Any]:
        mean = [joined(mean, like) for mean, like in zip(self.mean, self.like, strict=False)]
        return {"mean": mean, "updates": self.updates, "exchanged": self.exchanged}

    def take(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave, even within a judgement; the weights are loaded before."""
        held = [local(divided(mean, like)) for mean, like in zip(state["mean"], self.like, strict=False)]
        self.mean = [mean.to(weight.device, copy=True) for mean, weight in zip(held, self.weights, strict=False)]
        self.updates = state["updates"]
        if state["exchanged"]:
            self._exchange()
            self.exchanged = False

    @torch.no_grad()
    def _exchange(self) -> None:
        """In their own memory: others hold on to it."""
        for weight, mean in self._pairs():
            held = weight.clone()
            weight.copy_(mean)
            mean.copy_(held)
        self.exchanged = not self.exchanged

    def _pairs(self) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(self.weights, self.mean, strict=bool(self.mean))
