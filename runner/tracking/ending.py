"""The end of a run: MLflow is waited for, and people are told so."""

from __future__ import annotations

import time
from collections.abc import Callable

from nnrun.runner.tracking.outbox import Folder, Progress
from nnrun.runner.tracking.spawn import Sidecar
from nnrun.runner.tracking.store import Store
from nnrun.runner.tracking.trouble.patience import Patience

HUSH = 1.0
"""Seconds that are waited without a word, unless something is wrong."""

ROUND = 0.2
"""Seconds between two looks at how far the delivery is."""


def wait_for(sidecar: Sidecar, folder: Folder, store: Store, count: int, patience: Patience, say: Callable[[str], None]) -> Progress | None:
    """How far a delivery of `count` records to a store came as long as patience lasts; None if the process that delivers died over it."""
    hush, told = time.monotonic() + HUSH, False
    progress = folder.progress()
    while patience.lasts(progress.delivered, progress.trouble):
        result = sidecar.result(folder, min(ROUND, patience.left))
        if result is not None:
            return result
        if not folder.path.exists():  # it was all done at the last moment, or by another process
            return sidecar.result(folder, HUSH) or Progress(delivered=count)
        if sidecar.has_died:
            return None
        progress = folder.progress()
        if not told and (progress.trouble is not None or time.monotonic() > hush):
            told = True
            why = f" ({progress.trouble})" if progress.trouble else ""
            say(f"waiting for MLflow at `{store.public}`{why}: {patience.left:.0f} s at most, more only while it takes records")
    return progress
