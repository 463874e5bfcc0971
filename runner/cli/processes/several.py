"""Several specs in one command: one process runs them one after the other, so that libraries are imported once. One that dies takes its own
run alone with it, as does a run that fails."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

from nnrun.runner.cli.console import Exit, failures, say
from nnrun.runner.job import Job
from nnrun.runner.owner import end_with_owner
from nnrun.runner.signals import end_at_once

RunOne = Callable[[Job, Any], dict[str, Any]]
"""(spec, the process that talks to MLflow) -> what there is to say of its run. Printing is its own affair."""


@dataclass(frozen=True)
class Ended:
    """How the run of a spec ended."""

    code: int
    row: dict[str, Any]
    """What there is to say of it; of one that failed the error, if JSON is wanted."""


def run_several(jobs: Sequence[Job], run_one: RunOne, as_json: bool) -> Iterator[Ended]:
    """Run specs in order. After a signal, which the run under way obeys, no more are begun."""
    worker: _Worker | None = None
    for job in jobs:
        worker = worker or _Worker(run_one, as_json)
        ended = worker.ended(job)
        if ended is None and worker.asked is not None:  # it had not even begun
            ended = Ended(128 + worker.asked, {"spec": job.name, "error": "failed", "message": f"stopped by {worker.asked.name}"})
        elif ended is None:
            why = worker.death
            say(f"`{job.name}`: its process {why}; `nnrun resume` goes on with its run", err=True)
            worker, ended = None, Ended(Exit.TRAINING, {"spec": job.name, "error": "failed", "message": f"its process {why}"})
        yield ended
        if ended.code >= 128:
            break
    if worker is not None:
        worker.close()


class _Worker:
    """The process, as seen from the one that started it."""

    def __init__(self, run_one: RunOne, as_json: bool) -> None:
        context = get_context("spawn")
        self.asked: signal.Signals | None = None
        """The signal that came while it worked."""
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, run_one, as_json), name="runs")
        self._process.start()
        theirs.close()

    def ended(self, job: Job) -> Ended | None:
        """None if the process died."""
        with self._passing_on():
            try:
                self._pipe.send(job.to_json())
                ended: Ended = self._pipe.recv()
            except (EOFError, ConnectionResetError, BrokenPipeError):
                self._process.join()
                return None
        return ended

    @property
    def death(self) -> str:
        code = self._process.exitcode or 0
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"

    def close(self) -> None:
        self._pipe.close()
        self._process.join()

    @contextmanager
    def _passing_on(self) -> Iterator[None]:
        """Within it signals are for the process."""

        def pass_on(number: int, frame: FrameType | None) -> None:
            self.asked = signal.Signals(number)
            if self._process.pid is not None:
                os.kill(self._process.pid, number)

        before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _work(pipe: Connection, run_one: RunOne, as_json: bool) -> None:
    """Run what comes through the pipe, until it ends."""
    from nnrun.runner.tracking.spawn import Sidecar

    end_at_once()
    end_with_owner()
    with Sidecar() as sidecar:
        while True:
            try:
                job = Job.from_json(pipe.recv())
            except EOFError:
                break
            pipe.send(_ended(job, run_one, sidecar, as_json))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _ended(job: Job, run_one: RunOne, sidecar: Any, as_json: bool) -> Ended:
    said: list[Any] = []
    try:
        with failures(as_json, said.append):
            return Ended(Exit.FINE, run_one(job, sidecar))
    except SystemExit as end:
        (error,) = said or ({},)
        return Ended(int(end.code or 0), {"spec": job.name, **(error if isinstance(error, dict) else {"error": "data", "findings": error})})
