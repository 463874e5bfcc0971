"""What a worker does: it runs trials one after the other. torch is imported once, and one process beside it tells MLflow of all of them."""

from __future__ import annotations

import contextlib
import math
import signal
import time
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from rich.console import Console

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.check import SpecErrors
from nnrun.runner.display import Display
from nnrun.runner.experiments.sweep.trials import (
    REPEAT,
    TRIAL,
    Begun,
    Done,
    Evaluated,
    Failed,
    GivenUp,
    Said,
    Stepped,
    Task,
    decisive,
    worth,
)
from nnrun.runner.owner import end_with_owner
from nnrun.runner.signals import Pruned, Stopped
from nnrun.runner.tracking.again.kept import broken_off
from nnrun.runner.tracking.spawn import Sidecar
from nnrun.runner.tracking.store import Store

PAUSE = 0.2
"""Seconds between two words about the steps of a run."""


def work(pipe: Connection, store: Store, workers: int) -> None:
    """Run the tasks that come through the pipe, until it ends; `workers` do so side by side."""
    end_with_owner()
    from nnrun.runner.engine.threads import shared_by
    from nnrun.runner.engine.training import stages  # noqa: F401  (torch, while the first task is being chosen)

    shared_by(workers)

    owner = Owner(pipe)
    with contextlib.suppress(Stopped), Sidecar() as sidecar:
        while True:
            owner.tell(_done(owner.hear(), owner, store, sidecar))


class Owner:
    """Who owns the sweep, as seen through the pipe. When it is gone, we end as on SIGTERM."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe

    def tell(self, said: Said) -> None:
        """Raises: Stopped."""
        try:
            self.pipe.send(said)
        except (BrokenPipeError, ConnectionResetError):
            raise Stopped(signal.SIGTERM) from None

    def hear(self) -> Any:
        """Raises: Stopped."""
        try:
            return self.pipe.recv()
        except (EOFError, ConnectionResetError):
            raise Stopped(signal.SIGTERM) from None


def _done(task: Task, owner: Owner, store: Store, sidecar: Sidecar) -> Said:
    from nnrun.runner.run import resume, run

    if task.again and (known := _known(task, store)) is not None:
        return known
    begun = broken_off(task.job.tags) if task.again else None
    watch = Watch(owner, task)
    try:
        result = resume(begun, watch, sidecar) if begun is not None else run(task.job, store, watch, sidecar=sidecar)
    except Pruned:
        return GivenUp()
    except SpecErrors as error:
        finding = next(one for one in error.checked.report if one.severity == "error")
        return Failed(finding.id, finding.headline)
    except Fault as fault:
        return Failed(fault.id, fault.message)
    except Exception as error:  # a mistake of ours, or no memory: the other trials may be spared
        return Failed(type(error).__name__, str(error), traceback.format_exc())
    figure = decisive(task.figures, result.figures)
    value = worth(figure, result.figures, {step: figures[figure] for step, figures in watch.history.items() if figure in figures})
    if not math.isfinite(value):
        return Failed("no-figure", f"the run has no figure `{figure}` that is a number")
    return Done(result.delivered.run_id if result.delivered else None, figure, value, dict(result.figures))


def _known(task: Task, store: Store) -> Done | None:
    """What a run gave that had finished, though whoever should have noted it was killed."""
    from nnrun.runner.tracking.asked.children import finished_child

    child = finished_child(store, task.parent, {key: task.job.tags[key] for key in (TRIAL, REPEAT)}, task.figures[0])
    if child is None:
        return None
    figure = decisive(task.figures, child.figures)
    value = worth(figure, child.figures, child.points if figure == task.figures[0] else {})
    return Done(child.run_id, figure, value, child.figures) if math.isfinite(value) else None


class Watch(Display):
    """The display of a run that tells the owner of the sweep how it goes."""

    def __init__(self, owner: Owner, task: Task) -> None:
        super().__init__(Console(quiet=True), quiet=True)
        self.owner, self.run = owner, task
        self.history: dict[int, Mapping[str, float]] = {}
        self.spoken = 0.0

    def start(self, title: str, steps: int, objective: str) -> None:
        self.objective = objective
        self.owner.tell(Begun(steps))

    def stepped(self, step: int, loss: float | None) -> None:
        if time.monotonic() > self.spoken + PAUSE:
            self.spoken = time.monotonic()
            self.owner.tell(Stepped(step))

    def recall(self, step: int, figures: Mapping[str, float]) -> None:
        if decisive(self.run.figures, figures) in figures:
            self.history[step] = figures

    def evaluated(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        """Raises: Pruned if the owner has seen enough."""
        self.history[step] = figures
        value = figures.get(decisive(self.run.figures, figures), math.nan)
        if step == 0 or math.isnan(value):
            return
        count = sum(place > 0 for place in self.history)
        self.owner.tell(Evaluated(count, value, self.run.judged))
        if self.run.judged and self.owner.hear():
            raise Pruned(f"after {count} evaluations, step {step}: worse than half of the other trials")
