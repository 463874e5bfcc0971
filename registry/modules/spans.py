"""Spans that tags mark in a sequence, and how many of them are found."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nnrun.registry.modules.counts import Judge, ratio
from nnrun.registry.modules.meters import Meter

OUTSIDE = "O"
BEGINS, INSIDE = "B-", "I-"


def read(classes: Sequence[str]) -> tuple[list[bool], list[int]]:
    """Of each class whether it begins a span, and the number of the kind of span, -1 for outside.

    A class without a prefix is inside. Raises: ValueError with a class that has none, where others do.
    """
    plain = [name for name in classes if name != OUTSIDE and not name.startswith((BEGINS, INSIDE))]
    if plain and any(name.startswith((BEGINS, INSIDE)) for name in classes):
        raise ValueError(plain[0])
    kinds = {name: number for number, name in enumerate(dict.fromkeys(map(_kind, classes)))}
    return [name.startswith(BEGINS) for name in classes], [-1 if name == OUTSIDE else kinds[_kind(name)] for name in classes]


def _kind(name: str) -> str:
    return name[len(BEGINS) :] if name.startswith((BEGINS, INSIDE)) else name


def spans(begins: Tensor, kinds: Tensor, first: Tensor) -> Tensor:
    """The spans of sequences behind each other: at the tick where one begins its kind and end as one number, -1 elsewhere.

    A span begins at a `B-`, and at an `I-` behind another kind, behind `O` or at the first tick; it goes on until the next begins, or to
    an `O`, or to the last tick.

    Shape: begins, kinds, first (M,) of all ticks, kinds -1 for outside -> (M,).
    Source: Tjong Kim Sang and Buchholz 2000, Introduction to the CoNLL-2000 shared task: chunking; its script conlleval.
    """
    count = len(kinds)
    before = torch.cat([kinds.new_full((1,), -1), kinds[:-1]]) if count else kinds
    starts = (kinds >= 0) & (begins | first | (before != kinds))
    stops = torch.cat([(starts | first | (kinds < 0))[1:], starts.new_ones(1)]) if count else starts
    places = torch.arange(count, device=kinds.device)
    ends = torch.where(stops, places, count).flip(0).cummin(0).values.flip(0) if count else places
    return torch.where(starts, kinds * (count + 1) + ends, -1)


class Spans(Meter):
    """How many spans there are, were named, and both. Takes what `spans` gives of predictions (M,) and of targets (M,)."""

    hits: Tensor
    named: Tensor
    occurring: Tensor

    def __init__(self, judge: Judge) -> None:
        zero = torch.zeros((), dtype=torch.int64)
        super().__init__(hits=zero, named=zero, occurring=zero)
        self.judge = judge

    def update(self, x: Tensor, y: Tensor) -> None:
        self.hits = self.hits + ((x == y) & (y >= 0)).sum()
        self.named = self.named + (x >= 0).sum()
        self.occurring = self.occurring + (y >= 0).sum()

    def compute(self) -> Tensor:
        zero = torch.zeros_like(self.hits)
        return ratio(*self.judge(self.hits, self.named - self.hits, self.occurring - self.hits, zero))
