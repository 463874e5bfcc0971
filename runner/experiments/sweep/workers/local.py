"""Workers that are processes of this machine."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import wait

from nnrun.runner.experiments.sweep.trials import Died, Said, Task
from nnrun.runner.experiments.sweep.workers.work import work
from nnrun.runner.experiments.sweep.workers.workers import Call, Worker, Workers
from nnrun.runner.tracking.store import Store

GRACE = 12.0
"""Seconds in which a run that is asked to end tells MLflow; then it is killed."""


class Trainer:
    """A process that trains, as seen from the one that started it; `sharers` of them share the machine."""

    def __init__(self, store: Store, sharers: int, name: str) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, store, sharers), name=name)
        self.process.start()
        theirs.close()

    def tell(self, what: Task | bool) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has died, which `hear` tells
            self.pipe.send(what)

    def hear(self) -> Said:
        """The next that it says; waits for it."""
        try:
            said: Said = self.pipe.recv()
            return said
        except (EOFError, ConnectionResetError):
            self.process.join()
            code = self.process.exitcode
            return Died(f"by signal {-code}" if code is not None and code < 0 else f"with code {code}")


def end(trainers: Sequence[Trainer]) -> None:
    """Ask processes to end, and wait for them a little."""
    for trainer in trainers:
        trainer.process.terminate()
    end = time.monotonic() + GRACE
    for trainer in trainers:
        trainer.process.join(max(0.0, end - time.monotonic()))
        if trainer.process.is_alive():
            trainer.process.kill()
            trainer.process.join()
        trainer.pipe.close()


class LocalWorker(Worker):
    """One process."""

    def __init__(self, number: int, store: Store, sharers: int) -> None:
        super().__init__(number)
        self.trainer = Trainer(store, sharers, f"worker {number + 1}")

    def tell(self, what: Task | bool) -> None:
        self.trainer.tell(what)


class LocalWorkers(Workers):
    """Some processes that run tasks."""

    def __init__(self, call: Call, count: int = 1) -> None:
        self.store, self.count = call.store, min(count, call.most)
        self.all: list[LocalWorker] = [self._started(number) for number in range(self.count)]

    def said(self, seconds: float) -> Iterator[tuple[Worker, Said]]:
        for pipe in wait([worker.trainer.pipe for worker in self.all], seconds):
            worker = next(one for one in self.all if one.trainer.pipe is pipe)
            said = worker.trainer.hear()
            yield worker, said
            if isinstance(said, Died):
                self.all[worker.number] = self._started(worker.number)

    def stop(self) -> None:
        end([worker.trainer for worker in self.all])

    def _started(self, number: int) -> LocalWorker:
        return LocalWorker(number, self.store, self.count)
