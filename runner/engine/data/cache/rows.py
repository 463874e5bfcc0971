"""A column that memory does not hold: its pieces are read when somebody goes through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor


class Rows(Sequence[Any]):
    """So many rows that come in pieces, anew each time they are asked for."""

    def __init__(self, pieces: Callable[[], Iterator[Sequence[Any]]], length: int) -> None:
        self.pieces, self.length = pieces, length

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Any]:
        return (row for piece in self.pieces() for row in piece)

    def __getitem__(self, place: Any) -> Any:
        """A row, or the first ones."""
        if isinstance(place, slice):
            return list(islice(self, *place.indices(self.length)))
        return next(islice(self, range(self.length)[place], None))


class Texts(Sequence[str]):
    """Texts one behind the other as bytes, and where each ends."""

    def __init__(self, letters: Tensor, ends: Tensor) -> None:
        self.letters, self.ends = letters, ends

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[row] for row in range(*place.indices(len(self)))]
        row = range(len(self))[place]
        start = int(self.ends[row - 1]) if row else 0
        return self.letters[start : int(self.ends[row])].numpy().tobytes().decode("utf-8", "surrogatepass")


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def joined(texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The letters of some texts, and where each ends."""
    held = [encoded(text) for text in texts]
    letters = torch.frombuffer(bytearray(b"".join(held)), dtype=torch.uint8) if any(held) else torch.empty(0, dtype=torch.uint8)
    return letters, torch.tensor([len(one) for one in held], dtype=torch.int64).cumsum(0)
