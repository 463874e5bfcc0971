"""The processes that train one network together, each on its share of every batch."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous

from nnrun.registry.modules.chance import Share
from nnrun.runner.launch.place import Place, ProcessLost

V = TypeVar("V")

CPU = torch.device("cpu")

PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others: they may read data, or compile, for as long."""

MEETING = timedelta(minutes=5)
"""How long it waits for them to be there: one of them may have found something wrong, and ended, before they met."""


@dataclass(frozen=True)
class World(Place):
    """A process that has met the others. All do the same at the same time; what one gathers, all get."""

    def share(self, places: int, count: int) -> Share:
        """What this process has of `count` examples, where a whole batch has so many places."""
        return Share.of(self.rank, self.size, places, count)

    def sum(self, tensors: Iterable[Tensor]) -> None:
        """Each becomes the sum of those of all processes, to the bit the same in all."""
        for tensor in tensors if not self.is_alone else ():
            dist.all_reduce(tensor)

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Of each, whether it holds in any process."""
        if self.is_alone:
            return flags
        numbers = torch.tensor([float(flag) for flag in flags])
        dist.all_reduce(numbers)
        return tuple(bool(number) for number in numbers)

    def gathered(self, value: V) -> list[V]:
        """What each process has, in their order; tensors come as those of the CPU."""
        if self.is_alone:
            return [value]
        value = on(CPU, value)
        values: list[V] = [value] * self.size
        dist.all_gather_object(values, value)
        return values

    def told(self, value: V) -> V:
        """What the first process has."""
        values: list[V] = [on(CPU, value)]
        if not self.is_alone:
            dist.broadcast_object_list(values)
        return values[0]

    def joined(self, rows: Tensor, axis: int = 0) -> Tensor:
        """The shares of all processes as one tensor."""
        return rows if self.is_alone else torch.cat(self.gathered(rows), axis).to(rows.device)

    def wrapped(self, module: nn.Module, device: torch.device, unused: bool) -> nn.Module:
        """A module whose gradients, once all are computed, are the means of those of all processes. `unused`: some weights have none."""
        if self.is_alone:
            return module
        devices = [device] if device.type == "cuda" else None
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")  # of weights with an axis of size 1
        return nn.parallel.DistributedDataParallel(module, devices, find_unused_parameters=unused)


ALONE = World()


@contextmanager
def entered(place: Place) -> Iterator[World]:
    """The world in which a process has this place. Raises: ProcessLost, if another process ends within it."""
    if place.is_alone:
        yield ALONE
        return
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        store, rank, size = next(rendezvous("env://", timeout=MEETING))
    except dist.DistError as error:
        raise ProcessLost(f"not all of {place.size} processes came, so process {place.rank + 1} ends: {error}", HELP) from error
    store.set_timeout(PATIENCE)
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=PATIENCE)
    try:
        yield World(**vars(place))
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and not any(word in str(error) for word in LOST):
            raise
        raise ProcessLost(f"another of the {place.size} processes has ended, so process {place.rank + 1} ends too", HELP) from error
    finally:
        dist.destroy_process_group()


HELP = "`nnrun resume` goes on from the last checkpoint, on as many processes as you like"

LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Timed out waiting")
"""How gloo says that a process has gone, in exceptions of no class of their own."""


def accumulating(module: nn.Module) -> AbstractContextManager[Any]:
    """Within it gradients are added to those that are there, and not yet exchanged."""
    return module.no_sync() if isinstance(module, nn.parallel.DistributedDataParallel) else nullcontext()


def on(device: torch.device, value: Any) -> Any:
    """The tensors within mappings, lists and tuples, on a device."""
    match value:
        case torch.Tensor():
            return value.to(device)
        case Mapping():
            return {key: on(device, item) for key, item in value.items()}
        case list() | tuple():
            return type(value)(on(device, item) for item in value)
    return value
