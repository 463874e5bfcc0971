"""What gathers figures over batches, in 64 bits: a few numbers that are added to, and what is made of them at the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Held = Tensor | list[Tensor]


class Meter(ABC):
    """Gathers prepared values over batches. What it holds are attributes, each a tensor or a list of them."""

    def __init__(self, **empty: Held) -> None:
        """`empty` is what it holds before anything was counted."""
        self._empty = empty
        self.reset()

    @abstractmethod
    def update(self, x: Any, y: Any) -> None:
        """Count a batch: what `Metric.prepare` gives."""

    @abstractmethod
    def compute(self) -> Tensor:
        """The figure of all that was counted, a scalar."""

    def reset(self) -> None:
        """Start anew."""
        self.take(self._empty)

    def to(self, device: torch.device) -> Meter:
        """Count on a device, from the beginning."""
        self._empty = {name: held.to(device) if isinstance(held, Tensor) else [] for name, held in self._empty.items()}
        self.reset()
        return self

    def state(self) -> dict[str, Held]:
        """What it holds, as it is now."""
        return {name: _copy(getattr(self, name)) for name in self._empty}

    def take(self, state: Mapping[str, Held]) -> None:
        """Go on from what `state` gave."""
        for name in self._empty:
            setattr(self, name, _copy(state[name]))

    def join(self, state: Mapping[str, Held]) -> None:
        """Count what another one of its kind counted, which gave this state."""
        for name in self._empty:
            setattr(self, name, getattr(self, name) + state[name])


def _copy(held: Held) -> Held:
    return held.clone() if isinstance(held, Tensor) else list(held)


def _zeros(*sizes: int) -> Tensor:
    return torch.zeros(sizes, dtype=torch.float64)


class Mean(Meter):
    """Weighted mean of all values; a NaN among them is the result."""

    total: Tensor
    weight: Tensor

    def __init__(self) -> None:
        super().__init__(total=_zeros(), weight=_zeros())

    def update(self, x: Tensor, y: Tensor) -> None:
        """Values and their weights, of the same shape."""
        self.total += (x * y).sum(dtype=torch.float64)
        self.weight += y.sum(dtype=torch.float64)

    def compute(self) -> Tensor:
        return self.total / self.weight


class Differences(Meter):
    """Mean of a function of x - y over all numbers."""

    total: Tensor
    count: Tensor

    def __init__(self, cost: Callable[[Tensor], Tensor]) -> None:
        super().__init__(total=_zeros(), count=_zeros())
        self.cost = cost

    def update(self, x: Tensor, y: Tensor) -> None:
        self.total += self.cost(x - y).sum(dtype=torch.float64)
        self.count += x.numel()

    def compute(self) -> Tensor:
        return self.total / self.count


class Largest(Meter):
    """Largest absolute difference of all."""

    largest: Tensor

    def __init__(self) -> None:
        super().__init__(largest=_zeros())

    def update(self, x: Tensor, y: Tensor) -> None:
        if len(x):
            self.largest = torch.maximum(self.largest, (x - y).abs().max().double())

    def join(self, state: Mapping[str, Held]) -> None:
        other = state["largest"]
        assert isinstance(other, Tensor)
        self.largest = torch.maximum(self.largest, other)

    def compute(self) -> Tensor:
        return self.largest


class Equal(Meter):
    """Share of the texts that are right to the letter. Takes the texts written, and the true ones."""

    right: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__(right=_zeros(), count=_zeros())

    def update(self, x: Sequence[str], y: Sequence[str]) -> None:
        self.right += sum(one == other for one, other in zip(x, y, strict=True))
        self.count += len(y)

    def compute(self) -> Tensor:
        return self.right / self.count


class Moments(Meter):
    """Means, squares and products of pairs (M, N), feature by feature, then a function of them; the mean over features.

    Batches are merged around their means: sums of squares would lose every digit where the mean is large.

    Source: Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance, equation 1.5.
    """

    count: Tensor
    mean_x: Tensor
    mean_y: Tensor
    xx: Tensor
    yy: Tensor
    xy: Tensor
    errors: Tensor

    def __init__(self, judge: Callable[[Moments], Tensor], features: int) -> None:
        names = ("mean_x", "mean_y", "xx", "yy", "xy", "errors")
        super().__init__(count=_zeros(), **{name: _zeros(features) for name in names})
        self.judge = judge

    def update(self, x: Tensor, y: Tensor) -> None:
        if not len(x):
            return
        x, y = x.double(), y.double()
        mean_x, mean_y = x.mean(0), y.mean(0)
        from_x, from_y = x - mean_x, y - mean_y
        count = torch.full_like(self.count, len(x))
        squares = {"xx": (from_x**2).sum(0), "yy": (from_y**2).sum(0), "xy": (from_x * from_y).sum(0), "errors": ((y - x) ** 2).sum(0)}
        self.join({"count": count, "mean_x": mean_x, "mean_y": mean_y, **squares})

    def join(self, state: Mapping[str, Any]) -> None:
        if not state["count"]:
            return
        count = self.count + state["count"]
        step_x, step_y, share = state["mean_x"] - self.mean_x, state["mean_y"] - self.mean_y, state["count"] / count
        self.xx = self.xx + state["xx"] + step_x**2 * self.count * share
        self.yy = self.yy + state["yy"] + step_y**2 * self.count * share
        self.xy = self.xy + state["xy"] + step_x * step_y * self.count * share
        self.errors = self.errors + state["errors"]
        self.mean_x = self.mean_x + step_x * share
        self.mean_y = self.mean_y + step_y * share
        self.count = count

    def compute(self) -> Tensor:
        return self.judge(self).mean()


class Gathered(Meter):
    """Keeps all pairs and judges them together at the end: for ranks, which no batch knows by itself."""

    x: list[Tensor]
    y: list[Tensor]

    def __init__(self, judge: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__(x=[], y=[])
        self.judge = judge

    def update(self, x: Tensor, y: Tensor) -> None:
        self.x.append(x)
        self.y.append(y)

    def compute(self) -> Tensor:
        return self.judge(torch.cat(self.x), torch.cat(self.y))


class Then(Meter):
    """A meter, with a function applied to its result."""

    def __init__(self, function: Callable[[Tensor], Tensor], meter: Meter) -> None:
        self.function, self.meter = function, meter
        super().__init__()

    def update(self, x: Any, y: Any) -> None:
        self.meter.update(x, y)

    def compute(self) -> Tensor:
        return self.function(self.meter.compute())

    def to(self, device: torch.device) -> Meter:
        self.meter.to(device)
        return self

    def state(self) -> dict[str, Held]:
        return self.meter.state()

    def take(self, state: Mapping[str, Held]) -> None:
        self.meter.take(state)

    def join(self, state: Mapping[str, Held]) -> None:
        self.meter.join(state)

    def reset(self) -> None:
        self.meter.reset()
