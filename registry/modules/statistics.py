"""Figures of a whole part of the data that torchmetrics lacks, or gives otherwise than scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from nnrun.registry.modules.meters import Moments


def matthews(confusion: Tensor) -> Tensor:
    """Correlation of prediction and truth, 0 where one of them never changes.

    Shape: confusion (K, K), rows for the truth -> a scalar.
    Source: Gorodkin 2004, Comparing two K-category assignments by a K-category correlation coefficient.
    """
    confusion = confusion.double()
    truth, guess, all = confusion.sum(1), confusion.sum(0), confusion.sum()
    covariance = confusion.trace() * all - truth @ guess
    spread = ((all**2 - guess @ guess) * (all**2 - truth @ truth)).sqrt()
    return torch.where(spread == 0, 0.0, covariance / spread)


def mean_recall(confusion: Tensor) -> Tensor:
    """Mean, over the classes that occur, of the share that was found. Shape: confusion (K, K), rows for the truth -> a scalar."""
    confusion = confusion.double()
    occurring = confusion.sum(1) > 0
    return (confusion.diag()[occurring] / confusion.sum(1)[occurring]).mean()


def each_against_rest(score: Callable[[Tensor, Tensor], Tensor], average: str, probabilities: Tensor, target: Tensor) -> Tensor:
    """Mean of a ranking score over classes or labels; `weighted`: by how often each occurs.

    Those that never occur, or always do, cannot be ranked and stay out; NaN if none is left.

    Shape: probabilities (M, K), target (M) of classes, or (M, K) of 0 and 1 -> a scalar.
    """
    columns = target if target.ndim == 2 else target[:, None] == torch.arange(probabilities.shape[1], device=target.device)
    counts = columns.sum(0)
    ranked = ((counts > 0) & (counts < len(columns))).nonzero()[:, 0]
    if len(ranked) == 0:
        return torch.full((), torch.nan, device=probabilities.device)
    scores = torch.stack([score(probabilities[:, k], columns[:, k].long()) for k in ranked])
    weights = counts[ranked].double() if average == "weighted" else torch.ones_like(scores, dtype=torch.float64)
    return (scores * weights).sum() / weights.sum()


def r2(of: Moments) -> Tensor:
    """Share of the target's variance that is explained; for a constant target 1 where it is met exactly, else 0."""
    return _explained(of, of.errors)


def explained_variance(of: Moments) -> Tensor:
    """As `r2`, but a constant error costs nothing."""
    return _explained(of, of.xx + of.yy - 2 * of.xy)


def _explained(of: Moments, unexplained: Tensor) -> Tensor:
    explained = 1 - unexplained / of.yy
    return torch.where(of.yy > _rounding(of.mean_y, of), explained, (unexplained <= _rounding(of.mean_y, of)).to(explained))


def pearson(of: Moments) -> Tensor:
    """Correlation; NaN where one of both never changes."""
    constant = (of.xx <= _rounding(of.mean_x, of)) | (of.yy <= _rounding(of.mean_y, of))
    return torch.where(constant, torch.nan, of.xy / (of.xx * of.yy).sqrt())


def _rounding(mean: Tensor, of: Moments) -> Tensor:
    """The sum of squares that equal numbers have by rounding alone."""
    return of.count * (mean * 1e-12) ** 2


def spearman(x: Tensor, y: Tensor) -> Tensor:
    """Correlation of the ranks, feature by feature, and the mean over features; equal values share their mean rank."""
    from nnrun.registry.modules.meters import Moments

    ranks = Moments(pearson, x.shape[1])
    ranks.update(_ranks(x), _ranks(y))
    return ranks.compute()


def _ranks(x: Tensor) -> Tensor:
    columns = x.T.contiguous()
    in_order = columns.sort().values
    below, up_to = torch.searchsorted(in_order, columns), torch.searchsorted(in_order, columns, right=True)
    return ((below + up_to + 1) / 2).T
