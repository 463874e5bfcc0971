"""The process beside the training: it delivers runs to MLflow, those of its trainer and, for `nnrun sync`, those of dead ones.

It is told on its standard input: a line with a path is a folder to deliver, an empty line means that there is something new,
and the end means that the trainer is gone. For each folder it is done with it prints one line: the path and the progress.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from nnrun.runner.importing import importing
from nnrun.runner.tracking.outbox import Folder, Progress
from nnrun.runner.tracking.owner import Owner

if TYPE_CHECKING:
    from nnrun.runner.tracking.beside.delivery import Delivery

ROUND = 1.0
"""Seconds between two looks at the journals."""


class Trainer:
    """The process that this one serves, as seen through the pipe from it."""

    def __init__(self, pid: int) -> None:
        self.owner = Owner.of(pid)
        self.lives = True
        self._received = b""

    def wait(self, seconds: float) -> list[Folder]:
        """Wait until the trainer has something to say or is gone; the folders it named."""
        if not self.lives:
            time.sleep(seconds)
            return []
        ready, _, _ = select.select([0], [], [], seconds)
        chunk = os.read(0, 65536) if ready else b""
        # A forked child of the trainer may hold the pipe open after the trainer's death; then the parent has changed.
        self.lives = not (ready and not chunk) and os.getppid() == self.owner.pid
        *lines, self._received = (self._received + chunk).split(b"\n")
        return [Folder(Path(os.fsdecode(line))) for line in lines if line]


def main(pid: int) -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # the trainer decides when to end, by ending
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"  # trying again is our own affair: MLflow's way blocks for minutes
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    report = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints goes to the log, not among the reports
    serve(Trainer(pid), report)
    os._exit(0)  # all is on disk; the libraries would take a quarter of a second to say goodbye


def serve(trainer: Trainer, report: int) -> None:
    """Deliver until the trainer is gone and nothing is left to do."""
    with importing():
        from nnrun.runner.tracking.beside.delivery import Delivery

    gc.freeze()
    active: list[Delivery] = []
    while active or trainer.lives:
        for folder in trainer.wait(min((delivery.pause for delivery in active), default=ROUND)):
            try:
                active.append(Delivery(folder))
            except FileNotFoundError:  # another process has delivered it meanwhile
                _report(folder, Progress(), report)
        for delivery in list(active):
            if delivery.folder.is_taken(trainer.owner):
                delivery.let_go()
                active.remove(delivery)
            elif delivery.step(owner_lives=trainer.lives and delivery.owner == trainer.owner):
                _report(delivery.folder, delivery.progress, report)
                active.remove(delivery)


def _report(folder: Folder, progress: Progress, report: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # the trainer did not wait
        os.write(report, json.dumps([str(folder.path), progress.to_json()]).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
