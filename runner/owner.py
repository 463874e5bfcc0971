"""A process that ends with the one that started it."""

from __future__ import annotations

import os
import signal
import threading
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
