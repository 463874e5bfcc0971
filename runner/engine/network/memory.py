"""What a network remembers from one window of a stream to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor


class Memory:
    """States by value, or by node; the batch axis is the second. Rows of later batches continue those of the first."""

    def __init__(self) -> None:
        self._held: dict[str, Tensor] = {}
        self._coming: dict[str, Tensor] = {}

    def of(self, name: str, batch: int) -> Tensor | None:
        """What was remembered for the first `batch` streams; None at their beginning."""
        held = self._held.get(name)
        return None if held is None else held[:, :batch]

    def keep(self, states: Mapping[str, Tensor]) -> None:
        """Remember for the next window; in this one, everybody still sees what was remembered before."""
        self._coming |= states

    def advance(self) -> None:
        """The window is over."""
        self._held, self._coming = self._coming, {}

    def forget(self) -> None:
        """New streams begin."""
        self._held = {}

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Other streams are read for a while, from their beginning."""
        held, self._held = self._held, {}
        try:
            yield
        finally:
            self._held = held

    def state(self) -> dict[str, Tensor]:
        """What is remembered, between two windows."""
        return dict(self._held)

    def take(self, state: Mapping[str, Tensor]) -> None:
        """Remember what `state` gave."""
        self._held = dict(state)
