"""Meters that torchmetrics lacks, or has with a catch: they gather prepared values over batches, in 64 bits."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torchmetrics.metric import CompositionalMetric, Metric
from torchmetrics.utilities.data import dim_zero_cat


class Mean(Metric):
    """Weighted mean of all values. Unlike torchmetrics' own, a NaN among them is not dropped but is the result."""

    full_state_update = False
    total: Tensor
    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("weight", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, values: Tensor, weights: Tensor) -> None:
        self.total = self.total + (values * weights).sum(dtype=torch.float64)
        self.weight = self.weight + weights.sum(dtype=torch.float64)

    def compute(self) -> Tensor:
        return self.total / self.weight


class Largest(Metric):
    """Largest absolute difference of all."""

    full_state_update = False
    largest: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("largest", torch.zeros((), dtype=torch.float64), dist_reduce_fx="max")

    def update(self, x: Tensor, y: Tensor) -> None:
        if len(x):
            self.largest = torch.maximum(self.largest, (x - y).abs().max().double())

    def compute(self) -> Tensor:
        return self.largest


class Moments(Metric):
    """Means, squares and products of pairs (M, N), feature by feature, then a function of them; the mean over features.

    Batches are merged around their means: sums of squares would lose every digit where the mean is large.

    Source: Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance, equation 1.5.
    """

    full_state_update = False
    count: Tensor
    mean_x: Tensor
    mean_y: Tensor
    xx: Tensor
    yy: Tensor
    xy: Tensor
    errors: Tensor

    def __init__(self, judge: Callable[[Moments], Tensor], features: int) -> None:
        super().__init__()
        self.judge = judge
        self.add_state("count", torch.zeros((), dtype=torch.float64))
        for name in ("mean_x", "mean_y", "xx", "yy", "xy", "errors"):
            self.add_state(name, torch.zeros(features, dtype=torch.float64))

    def update(self, x: Tensor, y: Tensor) -> None:
        if not len(x):
            return
        x, y, count = x.double(), y.double(), self.count + len(x)
        mean_x, mean_y = x.mean(0), y.mean(0)
        step_x, step_y, share = mean_x - self.mean_x, mean_y - self.mean_y, len(x) / count
        self.xx = self.xx + ((x - mean_x) ** 2).sum(0) + step_x**2 * self.count * share
        self.yy = self.yy + ((y - mean_y) ** 2).sum(0) + step_y**2 * self.count * share
        self.xy = self.xy + ((x - mean_x) * (y - mean_y)).sum(0) + step_x * step_y * self.count * share
        self.errors = self.errors + ((y - x) ** 2).sum(0)
        self.mean_x = self.mean_x + step_x * share
        self.mean_y = self.mean_y + step_y * share
        self.count = count

    def compute(self) -> Tensor:
        return self.judge(self).mean()


class Gathered(Metric):
    """Keeps all pairs and judges them together at the end: for ranks, which no batch knows by itself."""

    full_state_update = False
    x: list[Tensor]
    y: list[Tensor]

    def __init__(self, judge: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.judge = judge
        self.add_state("x", [], dist_reduce_fx="cat")
        self.add_state("y", [], dist_reduce_fx="cat")

    def update(self, x: Tensor, y: Tensor) -> None:
        self.x.append(x)
        self.y.append(y)

    def compute(self) -> Tensor:
        return self.judge(dim_zero_cat(self.x), dim_zero_cat(self.y))


def then(function: Callable[[Tensor], Tensor], meter: Metric) -> Metric:
    """The meter, with a function applied to its result."""
    return CompositionalMetric(function, meter, None)
