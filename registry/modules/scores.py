"""What scores say: the class, the probabilities, the surprise. The shapes are those that `nnrun.registry.comparison` lets pass.

    task         scores         target
    binary       (M), (M, 1)    (M) of classes 0 and 1, or (M), (M, 1) of numbers 0 and 1
    multiclass   (M, K)         (M) of classes
    multilabel   (M, N)         (M, N) of numbers 0 and 1

Further axes, as in (M, K, H, W) and (M, H, W), are folded into M; those of a multilabel target into N.
Scores are turned into probabilities here and nowhere else: torchmetrics would guess from their range whether they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nnrun.registry.field import DataError
from nnrun.registry.modules.losses import ROUNDING, portions


def flat(scores: Tensor, target: Tensor, facts: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Scores (M), (M, K) or (M, N) in 64 bits, and a target (M) or (M, N) of whole numbers. Raises: DataError."""
    numbers = target.is_floating_point()
    target = _yes_no(target, facts) if numbers else target.long()
    if scores.numel() == target.numel():
        scores = scores.reshape(target.shape)
        many = numbers and target.shape[1:].numel() > 1
        target, scores = (target.flatten(1), scores.flatten(1)) if many else (target.flatten(), scores.flatten())
    else:
        target, scores = target.flatten(), scores.movedim(1, -1).flatten(0, -2)
    return scores.double(), target


def chosen(scores: Tensor, target: Tensor, facts: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """The class with the best score, or whether a score says yes, which is when it is above 0; and the target."""
    scores, target = flat(scores, target, facts)
    return (scores > 0).long() if scores.shape == target.shape else scores.argmax(1), target


def probabilities(scores: Tensor, target: Tensor, facts: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Probabilities (M, K) of the classes, or (M, N) of yes; and the target. A binary task has two classes."""
    scores, target = flat(scores, target, facts)
    if scores.shape != target.shape:
        return scores.softmax(1), target
    yes = scores.sigmoid()
    return (yes, target) if scores.ndim == 2 else (torch.stack([(-scores).sigmoid(), yes], 1), target)


def surprise(scores: Tensor, target: Tensor, facts: Mapping[str, Any]) -> Tensor:
    """Minus the log of the probability given to what was right, in nats: (M), or (M * N)."""
    scores, target = flat(scores, target, facts)
    if scores.shape != target.shape:
        return F.cross_entropy(scores, target, reduction="none")
    return -F.logsigmoid(torch.where(target == 1, scores, -scores)).flatten()


def _yes_no(target: Tensor, facts: Mapping[str, Any]) -> Tensor:
    values = portions(target, facts, "`rmse`, `mae` and `r2`")
    between = (values > ROUNDING) & (values < 1 - ROUNDING)
    if between.any():
        raise DataError(
            f"the target holds {values[between][0].item():g}, but this metric takes 0 and 1", "`mse`, `mae` and `r2` judge any numbers"
        )
    return values.round().long()
