"""Random numbers of a training: functions of the seed, the step, the node that draws and the place in the batch, and of nothing else.

So a training is the same on one process and on many, where each has a share of the batch, and it goes on from any step without
a generator being kept. Places are drawn in blocks: a process draws those in which its share lies. Outside of a training modules draw
from torch's own generator, as all modules do.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

BLOCK = 128
"""Places of a batch that are drawn together: a process whose share is smaller draws more than it needs."""

MASK = (1 << 64) - 1

FACTORS = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03, 0xABC98388FB8FAC03, 0x8CB92BA72F3D8DD7, 0xDB4F0B9175AE2165)
"""Odd numbers by which what a draw depends on is told apart: 2^64 over powers of generalised golden ratios. Source: Roberts 2018, The
unreasonable effectiveness of quasirandom sequences."""


@dataclass(frozen=True)
class Share:
    """The places of a batch that a process has: `count` of `whole`, from `first` on.

    Where a batch has fewer examples than there are processes, some have none: they take another's example, which counts nothing.
    """

    first: int
    count: int
    whole: int

    @staticmethod
    def of(rank: int, size: int, places: int, count: int) -> Share:
        """What one of `size` processes has of `count` examples, where a whole batch has so many places: its places are always the same."""
        first, last = (min(count, places * number // size) for number in (rank, rank + 1))
        return Share(first, last - first, count)

    @property
    def is_part(self) -> bool:
        return self.count < self.whole

    @property
    def weight(self) -> float:
        """What an example that is computed here counts in the mean over the whole batch."""
        return 1 / self.whole if self.count else 0.0

    @property
    def rows(self) -> slice:
        """Where the examples lie that are computed: at least one."""
        first = min(self.first, self.whole - 1)
        return slice(first, first + max(1, self.count))


class Dice:
    """The random numbers of one training on a device. Within it all modules draw from it."""

    def __init__(self, seed: int, device: torch.device, together: bool = False) -> None:
        """`together`: other processes learn from the same batches."""
        self.seed, self.together = seed_of(seed), together
        self.generator = Generator(device if device.type != "meta" else "cpu")
        self.share: Share | None = None
        """That of the batch; None where everything that is asked for is drawn."""
        self.rows: Tensor | None = None
        """Which examples of the share are computed just now; None if all."""
        self._step = self._place = self._drawn = 0
        self._places: dict[str, int] = {}
        self._before: list[Dice | None] = []

    def begin(self, step: int, share: Share | None = None, piece: int = 0) -> None:
        """What is drawn from now on is that of a step, for a share of its batch; of several batches `piece` is the number of this one."""
        self.share, self._step = share, self.seed + FACTORS[0] * step + FACTORS[1] * piece
        self.at("")

    def at(self, name: str) -> None:
        """What is drawn from now on is drawn by this node, from its first draw on."""
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = FACTORS[2] * zlib.crc32(name.encode())
        self._place, self._drawn = place, 0

    @contextmanager
    def sharing(self, share: Share | None) -> Iterator[None]:
        """Within it, that share of other places is drawn, such as chains."""
        before, self.share = self.share, share
        try:
            yield
        finally:
            self.share = before

    @contextmanager
    def among(self, rows: Tensor | None) -> Iterator[None]:
        """Within it, only these examples of the share are computed."""
        before, self.rows = self.rows, rows
        try:
            yield
        finally:
            self.rows = before

    def uniform(self, like: Tensor, places: int = 0) -> Tensor:
        """Numbers between 0 and 1 in the form of a tensor; `places` is the axis along which the examples lie."""
        return self._shared(like, places, like.dtype)

    def refill(self, room: Tensor) -> None:
        """The same, written into a tensor whose first axis is that of the examples."""
        if len(room) <= BLOCK and self.rows is None and (self.share is None or not self.share.is_part):
            self._drawn += 1
            self._drawn_block(0, room)
        else:
            room.copy_(self.uniform(room))

    def kept(self, like: Tensor, rate: float, places: int = 0) -> Tensor:
        """Zeros by the chance `rate`, else 1 / (1 - rate), in the form of a tensor."""
        even = self._shared(like, places, torch.float32)
        return even.ge_(rate).mul_(1 / (1 - rate)).to(like.dtype)  # a third of the time of torch's `bernoulli_`

    def _shared(self, like: Tensor, places: int, dtype: torch.dtype) -> Tensor:
        """Numbers between 0 and 1 at the places of the share, of all that are drawn with them."""
        self._drawn += 1
        count, share = like.shape[places], self.share
        if self.rows is None and count <= BLOCK and (share is None or not share.is_part):  # as mostly: all of it is one block
            return self._drawn_block(0, _empty(like, like.shape, dtype))
        share = share or Share(0, count, count)
        rows = share.rows
        first, last = rows.start // BLOCK, (rows.stop - 1) // BLOCK
        blocks = []
        for block in range(first, last + 1):
            width = min(BLOCK, share.whole - block * BLOCK)
            size = (*like.shape[:places], width, *like.shape[places + 1 :])
            blocks.append(self._drawn_block(block, _empty(like, size, dtype)))
        drawn = blocks[0] if len(blocks) == 1 else torch.cat(blocks, places)
        start, count = rows.start - first * BLOCK, rows.stop - rows.start
        if drawn.shape[places] != count:
            drawn = drawn.narrow(places, start, count)
        return drawn if self.rows is None else drawn.index_select(places, self.rows)

    def _drawn_block(self, block: int, room: Tensor) -> Tensor:
        self.generator.manual_seed(_mixed(self._step + self._place + FACTORS[3] * self._drawn + FACTORS[4] * block))
        return room.uniform_(generator=self.generator)

    def __enter__(self) -> None:
        """Also what is computed again on the way back draws from it, in threads of torch's own."""
        global _dice
        self._before.append(_dice)
        _dice = self

    def __exit__(self, *failure: object) -> None:
        global _dice
        _dice = self._before.pop()


def _empty(like: Tensor, size: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Room in the order of memory that a tensor has: channels last where it has them so."""
    last = len(size) == 4 and like.is_contiguous(memory_format=torch.channels_last)
    return torch.empty(size, dtype=dtype, device=like.device, memory_format=torch.channels_last if last else torch.contiguous_format)


def _mixed(number: int) -> int:
    """64 bits that look random. Source: Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators, `mix64`."""
    z = number & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def seed_of(*numbers: int) -> int:
    """A seed that differs for every list of numbers."""
    return reduce(lambda seed, number: _mixed(seed + FACTORS[0] * (number + 1)), numbers, 0)


_dice: Dice | None = None


def at(name: str) -> None:
    """A node is computed."""
    if _dice is not None:
        _dice.at(name)


def is_drawn() -> bool:
    """Whether random numbers are those of a training: it learns, or judges."""
    return _dice is not None


def shared() -> Share | None:
    """The share of the batch that is computed here, where other processes compute the rest."""
    return _dice.share if _dice is not None and _dice.together else None


def among(rows: Tensor | None) -> AbstractContextManager[None]:
    """Within it, only these examples of a batch are computed."""
    return nullcontext() if _dice is None else _dice.among(rows)


def dropped(x: Tensor, rate: float, places: int = 0) -> Tensor:
    """Entries set to zero by the chance `rate`, the others scaled up so that the mean stays; `places` is the axis of the examples."""
    return F.dropout(x, rate) if _dice is None else x * _dice.kept(x, rate, places)


def kept(like: Tensor, rate: float, places: int = 0) -> Tensor:
    """The factors alone, in the form of a tensor."""
    return F.dropout(torch.ones_like(like), rate) if _dice is None else _dice.kept(like, rate, places)


def uniform(like: Tensor, places: int = 0) -> Tensor:
    """Numbers between 0 and 1 in the form of a tensor."""
    return torch.rand(like.shape, dtype=like.dtype, device=like.device) if _dice is None else _dice.uniform(like, places)
