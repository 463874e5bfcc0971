"""A process that ends with the one that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.connection import wait


def end_with_owner() -> None:
    """Leave the terminal's signals to the process that started this one, which passes them on; when that is gone, end as on SIGTERM."""
    os.setpgid(0, 0)
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    owner = parent_process()
    assert owner is not None
    wait([owner.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def signalled_at_its_end(number: signal.Signals) -> Callable[[], None]:
    """What a new process does first, so that it gets a signal when the thread that started it is gone, however that ended.

    For programs that know nothing of us. On Linux alone; elsewhere it does nothing.
    """
    if sys.platform != "linux":
        return lambda: None
    library, set_signal = ctypes.CDLL(None), 1

    def ask() -> None:
        library.prctl(set_signal, int(number), 0, 0, 0)

    return ask
