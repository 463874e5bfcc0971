"""What stayed in the outbox, delivered later."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from nnrun.runner.tracking.delivered import Delivered
from nnrun.runner.tracking.journal import read_lines
from nnrun.runner.tracking.outbox import Folder
from nnrun.runner.tracking.spawn import Sidecar


def sync(folders: Sequence[Folder], wait: float = 600.0) -> Iterator[Delivered]:
    """Deliver folders that are `waiting` in the outbox, as far as MLflow allows within `wait` seconds; how it ended, one by one."""
    end = time.monotonic() + wait
    known = [(folder, folder.store, sum(1 for _ in read_lines(folder.journal))) for folder in folders]
    with Sidecar() as sidecar:
        for folder in folders:
            sidecar.serve(folder)
        for folder, store, count in known:
            progress = sidecar.result(folder, end - time.monotonic()) or folder.progress()
            if not folder.path.exists():  # all delivered, perhaps by another process
                progress.delivered = count
            yield Delivered.of(store, folder.path, count, progress)
