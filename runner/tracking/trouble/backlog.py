"""What a full disk does not take is kept in memory, in order, until it does: a training ends for its own reasons only."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

PAUSE = 1.0
"""Seconds until a disk that refused is asked again."""

ROUND = 0.2
"""Seconds until it is asked again at the end of a run."""


class Backlog:
    """Writes in order. What is refused waits, and all that comes after it."""

    def __init__(self, place: Path, say: Callable[[str], None]) -> None:
        """`place` is where is written, as people are told; `say` tells them."""
        self._place, self._say = place, say
        self._waiting: deque[Callable[[], object]] = deque()
        self._asked = float("-inf")
        self.trouble: str | None = None
        """Why nothing is written at the moment; None when all is well."""

    def __len__(self) -> int:
        return len(self._waiting)

    def write(self, action: Callable[[], object]) -> None:
        """Do this as soon as all before it is done. One that fails has no effect, or none that doing it again does not have."""
        self._waiting.append(action)
        self.flush()

    def flush(self, again: bool = False) -> None:
        """Write what waits; `again`: although the disk refused a moment ago."""
        if self.trouble is not None and not again and time.monotonic() < self._asked + PAUSE:
            return
        while self._waiting:
            try:
                self._waiting[0]()
            except OSError as error:
                self._refused((error.strerror or str(error)).lower())
                return
            self._waiting.popleft()
        if self.trouble is not None:
            self.trouble = None
            self._say(f"`{self._place}` takes records again; none is lost")

    def wait(self, lasts: Callable[[int, str | None], bool]) -> None:
        """Let the disk take what it refused, as long as `lasts`, which is told how much it took and what is wrong, says so."""
        self.flush(again=True)
        if self._waiting:
            self._say(f"waiting for room in `{self._place}`, 10 s at most: {len(self)} records are only in memory")
        while self._waiting and lasts(-len(self), self.trouble):
            time.sleep(ROUND)
            self.flush(again=True)

    def _refused(self, why: str) -> None:
        self._asked = time.monotonic()
        if self.trouble is None:
            self._say(f"warning: nothing can be recorded in `{self._place}`: {why}; the training goes on, its records wait in memory")
        self.trouble = why


def write_whole(target: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, and leaves nothing where there is no room. Raises: OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".new")
    try:
        draft.write_bytes(content)
        draft.replace(target)  # in one step: the other process may be reading the old one
    except OSError:
        draft.unlink(missing_ok=True)
        raise
