"""Ctrl-C and SIGTERM: the run is saved, recorded and ended, wherever it is.

A signal sets a flag. Where the code may be left at any line, reading data or judging, it is raised at once as `Stopped`; within `held`
it waits until what goes on is whole: a step of the training, a checkpoint, an import.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

END = 8.5
"""Seconds after a signal within which the process ends, with what is saved by then."""


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


class _State:
    """What signals have asked for, and what they may do."""

    number: int | None = None
    """The signal that came."""
    since = 0.0
    """When it came, by `time.monotonic`."""
    waits = False
    """Whether nobody was told of it yet."""
    holding = False
    """Whether it has to wait."""
    ours = False
    """Whether the process is there for nnrun alone, and may be ended."""


_state = _State()


def asked() -> Stopped | None:
    """The stop that a signal asked for, if one came since the run began."""
    return Stopped(_state.number) if _state.number is not None else None


def give_up() -> NoReturn:
    """Raises: Stopped, by the signal that came here, or to another process of the same training. It then waits no more."""
    _state.waits = False
    raise Stopped(_state.number if _state.number is not None else signal.SIGTERM)


def left(seconds: float = END) -> float:
    """How much of so many seconds after the signal is left; all of them if none came."""
    return max(0.0, seconds - (time.monotonic() - _state.since)) if _state.number is not None else seconds


@contextmanager
def stoppable() -> Iterator[None]:
    """Within it SIGINT and SIGTERM raise `Stopped` once; a second signal, or ten seconds, end a process that is ours.

    Only Python's main thread may say what signals do; in another one they do what they did.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watchdog: threading.Timer | None = None

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal watchdog
        if _state.number is not None:
            end(number)
        _state.number, _state.since, _state.waits = number, time.monotonic(), True
        watchdog = threading.Timer(END, end, [number])  # where a library does not come back in time
        watchdog.daemon = True
        watchdog.start()
        if not _state.holding:
            _give_way()

    def end(number: int) -> None:
        if _state.ours:
            os._exit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    _state.number, _state.waits = None, False
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if watchdog is not None:
            watchdog.cancel()


@contextmanager
def held() -> Iterator[None]:
    """Within it a signal waits: for `released`, or for the end of it; what goes wrong within it is told first."""
    before, _state.holding = _state.holding, True
    try:
        yield
    finally:
        _state.holding = before
    if not before:
        _give_way()


@contextmanager
def released() -> Iterator[None]:
    """Within it a signal need not wait any more, not even one that came before. Raises: Stopped."""
    before, _state.holding = _state.holding, False
    try:
        _give_way()
        yield
    finally:
        _state.holding = before


def _give_way() -> None:
    """Raises: Stopped, if a signal came of which nobody was told."""
    if _state.waits and _state.number is not None:
        _state.waits = False
        raise Stopped(_state.number)


def is_ours() -> bool:
    """Whether this process is there for nnrun alone."""
    return _state.ours


def end_at_once() -> None:
    """The process is ours. Until a run begins, SIGINT and SIGTERM end it, whatever it is doing: there is nothing to keep yet."""
    _state.ours = True
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: os._exit(128 + number))
