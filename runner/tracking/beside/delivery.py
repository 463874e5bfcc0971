"""The delivery of one run: its journal is read as it grows and sent until MLflow has it, however long MLflow is away."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, SQLAlchemyError

from nnrun.runner.tracking import limits
from nnrun.runner.tracking.beside.sender import Sender
from nnrun.runner.tracking.journal import Entry, Line, read_lines
from nnrun.runner.tracking.outbox import Folder
from nnrun.runner.tracking.trouble.reasons import reason

OUTAGE = (MlflowException, SQLAlchemyError, OSError)
"""What talking to MLflow raises while it is away. Anything else is a mistake of ours, and is not tried again."""

REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST")
"""Answers of MLflow that do not change however often one asks."""

TRIES = 3
"""How often the same is sent to an MLflow that answers other questions, until it counts as refused."""

PATIENCE = 30.0
"""Seconds without success, after the end of the trainer, until the rest is left for `nnrun sync`."""

HEARTBEAT = 60.0
"""Seconds between two signs of life in the tags of a run."""

KILLED = "the training ended without saying why: killed from outside, out of memory, or a crash of the machine"


class Delivery:
    """The delivery of one folder, step by step. It waits for anyone else who delivers the same.

    Raises: FileNotFoundError if that one has delivered all of it.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.pause = 1.0
        """Seconds until the next step is due."""
        self._lock = folder.hold()
        self.owner = folder.owner
        self.progress = folder.progress()
        if self.progress.over:  # delivered before, but for what was refused: perhaps MLflow takes it now
            self.progress.begin_again()
        self._sender = Sender(folder, self.progress)
        self._last_success = self._last_beat = time.monotonic()
        self._failures = 0
        self._settled = False
        self._heard = 0
        """When the trainer was last known to live, in milliseconds since 1970."""

    def step(self, owner_lives: bool) -> bool:
        """Send what there is. True if nothing remains to be done, or no hope is left."""
        if owner_lives:
            self._heard = time.time_ns() // 1_000_000
        try:
            self._send()
            if owner_lives and not self.progress.over and self._sender.may_measure:
                self._sender.measure()
            if not owner_lives and not self.progress.over:
                self._end_for_the_dead()
        except OUTAGE as error:
            self._failures += 1
            self.progress.trouble = reason(error)
            self._save()
            self.pause = min(2.0 ** (self._failures - 1), 5.0)
            if owner_lives or time.monotonic() < self._last_success + PATIENCE:
                return False
        else:
            self.pause = 1.0
            self._last_success = time.monotonic()
            if not self.progress.over:
                return False
            if self.progress.refused == 0:
                self.folder.settle()
        self.let_go()
        return True

    def let_go(self) -> None:
        """Leave the rest to somebody else."""
        self._lock.close()

    def _send(self) -> None:
        for lines in _batches(read_lines(self.folder.journal, self.progress.offset)):
            self.progress.refused += self._deliver([line.entry for line in lines])
            self.progress.delivered += len(lines)
            self.progress.offset = lines[-1].end
            self.progress.over = any(line.entry is not None and line.entry.what == "finish" for line in lines)
            self._succeed()
        if self._sender.is_open and not self._settled:
            self._sender.settle()
            self._settled = True
        if self._sender.is_open and time.monotonic() > self._last_beat + HEARTBEAT:
            self._sender.beat()
            self._last_beat = time.monotonic()

    def _deliver(self, entries: Sequence[Entry | None]) -> int:
        """Send some entries; how many MLflow refused. The guilty are found by halves, and the others arrive."""
        intact = [entry for entry in entries if entry is not None]
        if not intact:
            return self._refuse(len(entries), "its line in the journal is damaged")
        try:
            self._sender.send(intact)
            self._heard = max(self._heard, intact[-1].time)
            return 0
        except MlflowException as error:
            if not self._is_refusal(error):
                raise
            if len(intact) == 1 or self._sender.is_gone:
                return self._refuse(len(intact), f"{intact[0].what}: {reason(error)}")
        middle = len(intact) // 2
        return self._deliver(intact[:middle]) + self._deliver(intact[middle:])

    def _refuse(self, count: int, why: str) -> int:
        self.progress.refusal = self.progress.refusal or limits.cut(why, 500)
        return count

    def _is_refusal(self, error: MlflowException) -> bool:
        """Whether MLflow means it. An error of its own is hard to tell from an outage: it counts when only this is not answered."""
        if not self._sender.is_open:
            return False  # without a run there is nothing else to send
        if error.error_code in REFUSALS:
            return not isinstance(error.__cause__, DatabaseError) or isinstance(error.__cause__, (IntegrityError, DataError))
        return error.error_code == "INTERNAL_ERROR" and self._failures >= TRIES and self._sender.is_answered

    def _end_for_the_dead(self) -> None:
        """The trainer is gone and did not say how the run ended, for it could not."""
        self.progress.refused += self._deliver([Entry(0, self._heard, "finish", {"status": "KILLED", "error": KILLED})])
        self.progress.over = True
        self._succeed()

    def _succeed(self) -> None:
        self._failures = 0
        self._last_success = time.monotonic()
        self.progress.trouble = None
        self._save()

    def _save(self) -> None:
        """Where the disk has no room for it, the delivery goes on: it spares work, and what is sent again is stored once."""
        with contextlib.suppress(OSError):
            self.folder.save(self.progress)


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    """Lines to be sent together: neighbouring metrics, as many as MLflow takes at once; everything else alone."""
    batch: list[Line] = []
    values = 0
    for line in lines:
        new = len(line.entry.fields["values"]) if line.entry is not None and line.entry.what == "metrics" else None
        if batch and (new is None or values + new > limits.METRICS_A_CALL):
            yield batch
            batch, values = [], 0
        batch.append(line)
        if new is None:
            yield batch
            batch = []
        else:
            values += new
    if batch:
        yield batch
