"""The processes that train one network together, each on its share of every batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from nnrun.registry.modules.chance import Share

V = TypeVar("V")


@dataclass(frozen=True)
class World:
    """Which process this is, of how many. All do the same at the same time; what one gathers, all get."""

    rank: int = 0
    size: int = 1

    @property
    def is_alone(self) -> bool:
        return self.size == 1

    def share(self, places: int, count: int) -> Share:
        """What this process has of `count` examples, where a whole batch has so many places."""
        return Share.of(self.rank, self.size, places, count)

    def sum(self, tensors: Iterable[Tensor]) -> None:
        """Each becomes the sum of those of all processes, to the bit the same in all."""
        for tensor in tensors if not self.is_alone else ():
            dist.all_reduce(tensor)

    def gathered(self, value: V) -> list[V]:
        """What each process has, in their order."""
        if self.is_alone:
            return [value]
        values: list[V] = [value] * self.size
        dist.all_gather_object(values, value)
        return values

    def joined(self, rows: Tensor, axis: int = 0) -> Tensor:
        """The shares of all processes as one tensor."""
        return rows if self.is_alone else torch.cat([part.to(rows.device) for part in self.gathered(rows.cpu())], axis)


ALONE = World()
