"""Right and wrong, counted class by class, and what is made of the counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from nnrun.registry.modules.meters import Meter

Average = Literal["macro", "micro", "weighted", "second"]

Judge = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Of true positives, false positives, false negatives and true negatives: numerator and denominator of a figure."""


class Confusion(Meter):
    """How often each of K classes was taken for each: (K, K), rows for the truth. Takes predictions (M) and targets (M)."""

    counts: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__(counts=torch.zeros(classes, classes, dtype=torch.int64))
        self.classes = classes

    def update(self, x: Tensor, y: Tensor) -> None:
        self.counts += _tally(y * self.classes + x, self.classes**2).view(self.classes, -1)

    def compute(self) -> Tensor:
        return self.counts


class PerClass(Meter):
    """A figure of each class or label against the rest, averaged. Takes classes (M) twice, or zeros and ones (M, N) twice.

    `macro`: the mean; of classes, without those that neither occur nor were named. `weighted`: by how often each occurs. `micro`: of all
    counts together. `second`: of the second class alone. A figure whose denominator is 0 is 0.
    """

    hits: Tensor
    named: Tensor
    occurring: Tensor
    all: Tensor

    def __init__(self, judge: Judge, classes: int, average: Average, labels: bool = False) -> None:
        """`classes` of an example, or `labels` that many of an example can be."""
        zeros = torch.zeros(classes, dtype=torch.int64)
        super().__init__(hits=zeros, named=zeros, occurring=zeros, all=torch.zeros((), dtype=torch.int64))
        self.judge, self.classes, self.average, self.labels = judge, classes, average, labels

    def update(self, x: Tensor, y: Tensor) -> None:
        if self.labels:
            self.hits, self.named, self.occurring = self.hits + (x & y).sum(0), self.named + x.sum(0), self.occurring + y.sum(0)
        else:
            self.hits += _tally(y, self.classes, x == y)
            self.named += _tally(x, self.classes)
            self.occurring += _tally(y, self.classes)
        self.all += len(x)

    def compute(self) -> Tensor:
        wrong, missed = self.named - self.hits, self.occurring - self.hits
        counts = (self.hits, wrong, missed, self.all - self.hits - wrong - missed)
        if self.average == "micro":
            return ratio(*self.judge(*(count.sum() for count in counts)))
        figures = ratio(*self.judge(*counts))
        if self.average == "second":
            return figures[1]
        if self.average == "weighted":
            weights = self.occurring.double()
        else:
            weights = torch.ones_like(figures) if self.labels else (self.named + self.occurring > 0).double()
        return ratio((figures * weights).sum(), weights.sum())


def _tally(numbers: Tensor, count: int, told: Tensor | None = None) -> Tensor:
    """How often each number below `count` occurs, where it is told. `torch.bincount` would wait for the GPU."""
    ones = torch.ones_like(numbers) if told is None else told.to(numbers.dtype)
    return torch.zeros(count, dtype=numbers.dtype, device=numbers.device).index_add_(0, numbers, ones)


def ratio(over: Tensor, under: Tensor) -> Tensor:
    """A share; 0 of nothing."""
    return torch.where(under == 0, 0.0, over.double() / under.double())


def precision(hits: Tensor, wrong: Tensor, missed: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
    return hits, hits + wrong


def recall(hits: Tensor, wrong: Tensor, missed: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
    return hits, hits + missed


def f1(hits: Tensor, wrong: Tensor, missed: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
    return 2 * hits, 2 * hits + wrong + missed


def specificity(hits: Tensor, wrong: Tensor, missed: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
    return rest, rest + wrong


def iou(hits: Tensor, wrong: Tensor, missed: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
    return hits, hits + wrong + missed
