"""What stayed in the outbox, delivered later."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from nnrun.runner.tracking.delivered import Delivered
from nnrun.runner.tracking.ending import wait_for
from nnrun.runner.tracking.journal import read_lines
from nnrun.runner.tracking.outbox import Folder
from nnrun.runner.tracking.spawn import Sidecar
from nnrun.runner.tracking.trouble.patience import Patience

WAIT = 600.0
"""Most seconds that a store is waited for which takes records; one that does not answer is given up much earlier."""


def sync(folders: Sequence[Folder], wait: float = WAIT, say: Callable[[str], None] = lambda _: None) -> Iterator[Delivered]:
    """Deliver folders that are `waiting` in the outbox, as far as MLflow allows within `wait` seconds; how it ended, one by one."""
    known = []
    for folder in folders:
        with contextlib.suppress(FileNotFoundError):  # another process has delivered it meanwhile
            known.append((folder, folder.store, sum(1 for _ in read_lines(folder.journal))))
    if not known:
        return
    with Sidecar() as sidecar:
        patience = {store: Patience(store.address if store.is_server else None, wait) for _, store, _ in known}
        for folder, _, _ in known:
            sidecar.serve(folder)
        for folder, store, count in known:
            progress = wait_for(sidecar, folder, store, count, patience[store], say)
            if progress is None:
                progress = replace(folder.progress(), trouble=sidecar.log.rpartition("\n")[2])
            if not folder.path.exists():  # all delivered, perhaps by another process
                progress.delivered = count
            yield Delivered.of(store, folder.path, count, progress)
