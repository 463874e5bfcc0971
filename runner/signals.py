"""Ctrl-C and SIGTERM as an exception, so that a run ends cleanly wherever it is."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """A signal asked the run to end. Not an Exception: nothing on the way up may take it for an error."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell expects of a process that a signal ended."""
        return 128 + self.number


class Pruned(Exception):
    """Whoever watches a training has seen enough of it."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Within it SIGINT and SIGTERM raise `Stopped` once; a second signal ends the process at once.

    Only Python's main thread may say what signals do; in another one they do what they did.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            os._exit(128 + number)
        asked = True
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
