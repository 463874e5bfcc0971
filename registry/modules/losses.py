"""Losses as modules: (input, target) -> (sum of losses, sum of weights), so that a mean over batches is exact.

A loss that takes some targets only has `check`, which says of one that it is none of them.

`each` tells the same of every example, (M,) and (M,): what it adds to the two sums. `weights` are the second of these, and `weight` the
second sum, of the target alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnrun.registry.field import DataError
from nnrun.registry.modules.units import natural


class Weighted(nn.Module):
    """A loss of which each example counts as much as is said of it, (M,), behind input and target."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, input: Any, target: Any, own: Tensor) -> tuple[Tensor, Tensor]:
        losses, weights = self.each(input, target, own)
        return losses.sum(), weights.sum()

    def check(self, target: Tensor) -> None:
        if (check := getattr(self.loss, "check", None)) is not None:
            check(target)

    def weight(self, target: Any, own: Tensor) -> Tensor:
        weights: Tensor = self.loss.weights(target)  # type: ignore[operator]
        return (own * weights).sum()

    def each(self, input: Any, target: Any, own: Tensor) -> tuple[Tensor, Tensor]:
        losses, weights = self.loss.each(input, target)  # type: ignore[operator]
        return own * losses, own * weights


class Elementwise(nn.Module):
    """A loss of numbers, entry by entry.

    Shape: input and target (M, *axes), or (M, 1) and (M) -> two scalars; the weight of every entry is 1.
    """

    def __init__(self, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        input = exact(input).reshape(target.shape)
        return self.loss(input, target.to(input.dtype), reduction="sum"), self.weight(target)

    def weight(self, target: Tensor) -> Tensor:
        return _count(target)

    def weights(self, target: Tensor) -> Tensor:
        return _counts(target)

    def each(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        input = exact(input).reshape(target.shape)
        losses = self.loss(input, target.to(input.dtype), reduction="none")
        return _by_example(losses), self.weights(target)


class Own(nn.Module):
    """A value that is a loss itself: the numbers of an example are added up, and each example weighs 1.

    Shape: (M, *axes), twice -> two scalars.
    """

    def forward(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return exact(input).sum(), self.weight(target)

    def weight(self, target: Tensor) -> Tensor:
        return torch.full((), float(len(target)), device=target.device)

    def weights(self, target: Tensor) -> Tensor:
        return torch.ones(len(target), device=target.device)

    def each(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return _by_example(exact(input)), self.weights(target)


class CrossEntropy(nn.Module):
    """Cross entropy of the softmax of scores and a target class.

    Shape: input (M, K, *axes), target (M, *axes) with whole numbers below K -> two scalars.
    """

    def __init__(self, class_weights: Sequence[float] | None, label_smoothing: float) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.class_weights: Tensor | None
        self.register_buffer("class_weights", None if class_weights is None else torch.tensor(class_weights), persistent=False)

    def forward(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        input = exact(input)
        weights = None if self.class_weights is None else self.class_weights.to(input.dtype)
        total = F.cross_entropy(input, target, weights, reduction="sum", label_smoothing=self.label_smoothing)
        return total, self.weight(target)

    def weight(self, target: Tensor) -> Tensor:
        return _count(target) if self.class_weights is None else self.class_weights[target].sum()

    def weights(self, target: Tensor) -> Tensor:
        return _counts(target) if self.class_weights is None else _by_example(self.class_weights[target])

    def each(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        input = exact(input)
        weights = None if self.class_weights is None else self.class_weights.to(input.dtype)
        losses = F.cross_entropy(input, target, weights, reduction="none", label_smoothing=self.label_smoothing)
        return _by_example(losses), self.weights(target)


class Focal(CrossEntropy):
    """Cross entropy of the softmax of scores, each example times (1 - p)^gamma for the probability p of its class.

    Shape: input (M, K, *axes), target (M, *axes) with whole numbers below K -> two scalars.
    """

    def __init__(self, class_weights: Sequence[float] | None, gamma: float) -> None:
        super().__init__(class_weights, 0.0)
        self.gamma = gamma

    def forward(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        losses, weights = self._entries(input, target)
        return losses.sum(), weights.sum()

    def each(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        losses, weights = self._entries(input, target)
        return _by_example(losses), _by_example(weights)

    def _entries(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        surprise = F.cross_entropy(exact(input), target, reduction="none")
        weights = torch.ones_like(surprise) if self.class_weights is None else self.class_weights.to(surprise.dtype)[target]
        doubt = (-torch.expm1(-surprise)).clamp_min(SURE)  # its power has no gradient at 0
        return weights * doubt**self.gamma * surprise, weights


class BinaryCrossEntropy(nn.Module):
    """Cross entropy of the sigmoid of scores and targets from 0 to 1: that of two classes with the scores 0 and `input`.

    Shape: input and target (M, *axes), or (M, 1, *axes) and (M, *axes) -> two scalars.
    Raises: DataError if a target, in the units of the data, is not from 0 to 1; on a GPU the loss is then no number, and `check` raises.
    """

    positive_weights: Tensor

    def __init__(
        self, class_weights: Sequence[float] | None, positive_weights: Sequence[float], label_smoothing: float, facts: Mapping[str, Any]
    ) -> None:
        """`positive_weights`: one, or one for each label; the weight of an entry is not theirs."""
        super().__init__()
        self.class_weights = class_weights or (1.0, 1.0)
        by_label = torch.tensor(positive_weights) if len(positive_weights) > 1 else torch.tensor(positive_weights[0])
        self.register_buffer("positive_weights", by_label, persistent=False)
        self.label_smoothing = label_smoothing
        self.facts = facts

    def forward(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        losses, weights = self._entries(input, target)
        return -losses.sum(), weights.sum()

    def check(self, target: Tensor) -> None:
        """Raises: DataError, wherever the target lies."""
        portions(target.cpu(), self.facts)

    def weight(self, target: Tensor) -> Tensor:
        return self._entry_weights(self._portions(target).to(torch.get_default_dtype())).sum()

    def weights(self, target: Tensor) -> Tensor:
        return _by_example(self._entry_weights(self._portions(target).to(torch.get_default_dtype())))

    def each(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        losses, weights = self._entries(input, target)
        return -_by_example(losses), _by_example(weights)

    def _entries(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        input = exact(input).reshape(target.shape)
        yes = self._portions(target).to(input.dtype)
        aim = yes * (1 - self.label_smoothing) + self.label_smoothing / 2
        no_weight, yes_weight = self.class_weights
        yes_weights = yes_weight * self.positive_weights.to(input.dtype)
        losses = yes_weights * aim * F.logsigmoid(input) + no_weight * (1 - aim) * F.logsigmoid(-input)
        return losses, self._entry_weights(yes)

    def _portions(self, target: Tensor) -> Tensor:
        return (portions if target.device.type == "cpu" else portions_or_nan)(target, self.facts)

    def _entry_weights(self, yes: Tensor) -> Tensor:
        no_weight, yes_weight = self.class_weights
        return yes_weight * yes + no_weight * (1 - yes)


def pinball(q: float) -> Callable[..., Tensor]:
    """The quantile loss, called as torch's losses are."""

    def loss(input: Tensor, target: Tensor, reduction: str) -> Tensor:
        above = target - input
        losses = torch.maximum(q * above, (q - 1) * above)
        return losses.sum() if reduction == "sum" else losses

    return loss


def exact(values: Tensor) -> Tensor:
    """At least 32 bits: sums of half-precision losses would be rounded to three digits."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def portions(target: Tensor, facts: Mapping[str, Any], others: str = "`mse`, `mae` and `huber`") -> Tensor:
    """Targets from 0 to 1: one of two classes, or numbers in the units of the data. `others` judge any numbers. Raises: DataError."""
    if not target.is_floating_point():
        return target
    values = natural(exact(target), facts)
    inside = (values >= -ROUNDING) & (values <= 1 + ROUNDING)
    if not inside.all():
        raise DataError(f"the target holds {values[~inside][0].item():g}, but yes or no goes from 0 to 1", f"{others} judge any numbers")
    return values.clamp(0, 1)


def portions_or_nan(target: Tensor, facts: Mapping[str, Any]) -> Tensor:
    """The same without a look at them, for which a GPU would have to be waited for: one below 0 or above 1 is not a number."""
    if not target.is_floating_point():
        return target
    values = natural(exact(target), facts)
    return values.clamp(0, 1).where((values >= -ROUNDING) & (values <= 1 + ROUNDING), torch.nan)


SURE = 1e-12
"""Of a class that is sure, how improbable all others still are."""

ROUNDING = 1e-4
"""How far 0 and 1 may be off after normalisation was undone in 32 bits."""


def _by_example(entries: Tensor) -> Tensor:
    return entries.flatten(1).sum(1) if entries.dim() > 1 else entries


def _counts(target: Tensor) -> Tensor:
    return torch.full((len(target),), float(target[:1].numel()), device=target.device)


def _count(target: Tensor) -> Tensor:
    return torch.full((), float(target.numel()), device=target.device)
