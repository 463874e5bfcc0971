"""Examples as tensors, and the batches that are made of them.

The order of batches is a pure function of (seed, epoch), so that a run can be repeated from any point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Generator, Tensor

from nnrun.registry.algebra.ticks import Lengths, origin, ticks_along
from nnrun.registry.modules.chance import Share
from nnrun.registry.modules.padding import real_ticks
from nnrun.runner.engine.data.ahead import ahead

POOL = 32
"""Batches whose examples are sorted by length together: little padding, and still a random order."""

STRETCH, NEAR = 256, 64
"""Of examples on the disk: so many rows that lie behind each other, of so many stretches, are mixed with each other."""

GIVEN = ".given"
"""Behind the name of a field: of its values those that were there, where some may be missing, and are targets."""

Order = Literal["shuffled", "as given", "streams"]

Shared = Callable[[int, int], Share]
"""The share of a batch with so many places that holds so many examples."""

Augment = Callable[[Tensor, Tensor], Tensor]
"""Changes examples by three numbers between 0 and 1 for each, (3, B)."""


@dataclass(frozen=True)
class Batch:
    """Examples for one step. Values are (B, *axes) or, along time, (T, B, *axes); lengths (B,) by time axis."""

    values: Mapping[str, Tensor]
    lengths: Mapping[str, Tensor]
    count: int
    whole: frozenset[str] | None = None
    """Time axes along which no example is padded; looked up in the lengths if it is None, which a GPU would have to wait for."""
    host: Mapping[str, Tensor] = field(default_factory=dict)
    """The lengths where the processor reads them, also when the batch is on a GPU; the lengths themselves where nothing else is given."""
    given: Mapping[str, Tensor] = field(default_factory=dict)
    """Of targets that may be missing, those that are there, (B,) or (T, B), where the processor reads them."""
    share: Share | None = None
    """Which examples of a whole batch these are; None where they are all. All of its ticks are there, also if they are padding here."""
    _places: dict[str, Tensor] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lengths", Lengths(self.lengths))
        object.__setattr__(self, "host", Lengths(self.host) if self.host else self.lengths)
        if self.whole is None:
            known = ((axis, lengths, len(self.values[axis])) for axis, lengths in self.lengths.items() if axis in self.values)
            object.__setattr__(self, "whole", frozenset(axis for axis, lengths, ticks in known if bool((lengths == ticks).all())))

    def real(self, axis: str) -> Tensor | None:
        """Real ticks of each example, (B,); None where nothing is padded, which is faster."""
        return None if self._is_whole(axis) else self.lengths[axis]

    def places(self, axis: str) -> Tensor | None:
        """Where the real ticks lie among all, tick by tick, (M,); None where nothing is padded. A GPU would have to tell how many."""
        if self._is_whole(axis):
            return None
        if axis not in self._places:
            lengths = self.host[axis]
            found = real_ticks(lengths, self.ticks(axis)).flatten().nonzero().squeeze(1)
            self._places[axis] = sent(found, self.lengths[axis].device)
        return self._places[axis]

    def judged(self, target: str, axis: str | None) -> Tensor | None:
        """Where what a target can be compared with lies among all examples, or all ticks of them, (M,); None where all of it can."""
        if target not in self.given:
            return None if axis is None else self.places(axis)
        key = target + GIVEN  # a target may be called as an axis
        if key not in self._places:
            given = self.given[target]
            known = given if axis is None else given & real_ticks(self.host[axis], len(given))
            self._places[key] = sent(known.flatten().nonzero().squeeze(1), self.values[target].device)
        return self._places[key]

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device; the way there is not waited for."""
        if device.type == "cpu":
            return self
        values, lengths = ({name: sent(tensor, device) for name, tensor in held.items()} for held in (self.values, self.lengths))
        return replace(self, values=values, lengths=lengths)

    def ticks(self, axis: str) -> int:
        """Ticks of the batch along an axis, padding included."""
        own = origin(axis)
        ticks = len(self.values[own]) if own in self.values else int(self.host[own].max())
        return ticks if own == axis else max(1, ticks_along(axis, ticks))

    def _is_whole(self, axis: str) -> bool:
        assert self.whole is not None
        own = origin(axis)
        return own in self.whole and (own == axis or ticks_along(axis, self.ticks(own)) > 0)


@dataclass(frozen=True)
class Part:
    """Examples for one purpose. Tensors hold all examples of all parts, (n, *axes) or (n, T, *axes); `rows` are this part's."""

    values: Mapping[str, Tensor]
    lengths: Mapping[str, Tensor]
    """How many ticks each example has, (n,), by time axis."""
    times: Mapping[str, str]
    """The time axis of each value that has one."""
    rows: Tensor
    augment: Mapping[str, Augment] = field(default_factory=dict)
    """Random changes of shuffled batches, by value."""
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The texts of which values were made, as the data has them, one a row."""
    ordering: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Where `window` cuts a series: columns that say which rows follow each other, in the order of the windows."""
    ends: Tensor | None = None
    """Where `window` cuts a series: the row of the data that each example ends with, (n,)."""
    on_disk: bool = False
    """Whether the tensors are a file's: then examples that lie near each other are learned from near each other, and read ahead."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "lengths", Lengths(self.lengths))

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, rows: Tensor, share: Share | None = None) -> Batch:
        """The examples of these rows, or a share of them."""
        lengths = {axis: length[rows] for axis, length in self.lengths.items()}
        ticks = {axis: int(length.max()) for axis, length in lengths.items()}
        if share is not None:
            rows, lengths = rows[share.rows], {axis: length[share.rows] for axis, length in lengths.items()}
        values = {name: self._gathered(name, rows, ticks) for name in self.values}
        given = {name.replace(GIVEN, ""): values.pop(name).bool() for name in self.values if GIVEN in name}
        return Batch(values, lengths, len(rows), given=given, share=share)

    def given(self, target: str) -> Tensor | None:
        """Of all examples, those of which a target is there, (n,) or (n, T); None where none is missing."""
        field, dot, ahead = target.partition(".")
        return self.values.get(f"{field}{GIVEN}{dot}{ahead}")

    def in_order(self, size: int) -> Iterator[Batch]:
        """All examples once, the short ones first where they differ in length."""
        return map(self.batch, self.rows_in_order(size))

    def rows_in_order(self, size: int) -> Sequence[Tensor]:
        """The rows of these batches."""
        return torch.split(self._by_length(self.rows), size)

    def batches(self, size: int, seed: int, epoch: int, order: Order, first: int = 0, shared: Shared | None = None) -> Iterator[Batch]:
        """All examples once in the order of an epoch, augmented; without the `first` so many batches, which were learned from already.

        `shared` says which share of each batch is wanted, of so many places and examples.
        """
        match order:
            case "shuffled":
                chunks = self._shuffled(size, seed, epoch)
            case "as given":
                chunks = list(torch.split(self.rows, size))
            case "streams":
                chunks = self.streams(size)

        def made(index: int) -> Batch:
            batch = self.batch(chunks[index], shared(size, len(chunks[index])) if shared is not None else None)
            return self._augmented(batch, seed, epoch, index) if self.augment else batch

        batches = map(made, range(first, len(chunks)))
        return ahead(batches) if self.on_disk else batches

    def streams(self, size: int) -> list[Tensor]:
        """The rows of each batch where they are cut into `size` streams, each of which the next batch continues.

        Some streams may be one row longer than the others: they come first, and the last batch holds these only.
        """
        streams = torch.tensor_split(self.rows, size)
        return [torch.stack([stream[at] for stream in streams if at < len(stream)]) for at in range(len(streams[0]))]

    def _shuffled(self, size: int, seed: int, epoch: int) -> list[Tensor]:
        """The rows of each batch in a random order; examples of like length come together."""
        generator = _generator(seed, epoch)
        rows = self._mixed(generator) if self.on_disk else self.rows[torch.randperm(len(self.rows), generator=generator)]
        chunks = [chunk for pool in torch.split(rows, size * POOL) for chunk in torch.split(self._by_length(pool), size)]
        if self.lengths:  # or each pool would go from short to long
            near = max(1, NEAR * STRETCH // size) if self.on_disk else len(chunks)
            groups = (chunks[start : start + near] for start in range(0, len(chunks), near))
            chunks = [group[index] for group in groups for index in torch.randperm(len(group), generator=generator).tolist()]
        return chunks

    def _mixed(self, generator: Generator) -> Tensor:
        """The rows in a random order in which a file can be read: stretches in a random order, then rows within a window of some."""
        stretches = torch.split(self.rows, STRETCH)
        order = torch.randperm(len(stretches), generator=generator).tolist()
        windows = (torch.cat([stretches[index] for index in order[start : start + NEAR]]) for start in range(0, len(order), NEAR))
        return torch.cat([window[torch.randperm(len(window), generator=generator)] for window in windows])

    def _gathered(self, name: str, rows: Tensor, ticks: Mapping[str, int]) -> Tensor:
        tensor, axis = self.values[name], self.times.get(name)
        if axis is None:
            return tensor[rows] if tensor.ndim == 4 else tensor.index_select(0, rows)  # which is faster, but loses channels_last
        return tensor[:, : ticks[axis]][rows].transpose(0, 1).contiguous()

    def _by_length(self, rows: Tensor) -> Tensor:
        """The rows, those with few ticks first; over several time axes their sum counts."""
        if not self.lengths:
            return rows
        ticks = torch.stack([length[rows] for length in self.lengths.values()]).sum(0)
        return rows[torch.argsort(ticks, stable=True)]

    def _augmented(self, batch: Batch, *numbers: int) -> Batch:
        """A batch whose examples are changed at random. One draw an example serves all its values, or a mask would leave its image."""
        share = batch.share or Share(0, batch.count, batch.count)
        drawn = torch.rand(3, share.whole, generator=_generator(*numbers))[:, share.rows]
        return replace(batch, values={**batch.values, **{name: change(batch.values[name], drawn) for name, change in self.augment.items()}})


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor on its way to a device; a GPU fetches it itself, from memory that stays where it is."""
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)


def _generator(*numbers: int) -> Generator:
    """Random numbers that differ for every list of numbers."""
    (seed,) = np.random.SeedSequence(numbers).generate_state(1)
    return Generator().manual_seed(int(seed))
