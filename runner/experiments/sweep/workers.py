"""The owner's side of its workers: tasks go out, words come back, who dies is replaced."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from nnrun.runner.experiments.sweep.trials import Died, Said, Task
from nnrun.runner.experiments.sweep.worker import work
from nnrun.runner.tracking.store import Store

GRACE = 12.0
"""Seconds in which a run that is asked to end tells MLflow; then it is killed."""


@dataclass
class Worker:
    """One process."""

    number: int
    process: SpawnProcess
    pipe: Connection
    task: Task | None = None


class Workers:
    """Some processes that run tasks, none of which waits for another."""

    def __init__(self, count: int, store: Store) -> None:
        self.store, self.count = store, count
        self.all = [self._started(number) for number in range(count)]

    @property
    def idle(self) -> list[Worker]:
        return [worker for worker in self.all if worker.task is None]

    @property
    def busy(self) -> list[Worker]:
        return [worker for worker in self.all if worker.task is not None]

    def give(self, worker: Worker, task: Task) -> None:
        worker.task = task
        self._tell(worker, task)

    def answer(self, worker: Worker, answer: bool) -> None:
        """Tell a worker whether to give up its trial."""
        self._tell(worker, answer)

    def said(self, seconds: float) -> Iterator[tuple[Worker, Said]]:
        """What the workers say within some seconds. Of one who died, the task is still known when it is told."""
        for pipe in wait([worker.pipe for worker in self.all], seconds):
            worker = next(one for one in self.all if one.pipe is pipe)
            try:
                yield worker, worker.pipe.recv()
            except (EOFError, ConnectionResetError):
                worker.process.join()
                yield worker, Died(worker.process.exitcode)
                self.all[worker.number] = self._started(worker.number)

    def stop(self) -> None:
        """Ask all to end, and wait for them a little."""
        for worker in self.all:
            worker.process.terminate()
        end = time.monotonic() + GRACE
        for worker in self.all:
            worker.process.join(max(0.0, end - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()

    def _tell(self, worker: Worker, what: object) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has died, which `said` tells
            worker.pipe.send(what)

    def _started(self, number: int) -> Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, self.store, self.count), name=f"worker {number + 1}")
        process.start()
        theirs.close()
        return Worker(number, process, ours)
