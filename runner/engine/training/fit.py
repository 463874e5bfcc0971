"""The training, in the order of events."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from nnrun.runner.engine.inference.sheet import Sheet
from nnrun.runner.engine.training.learner import B, Learner, Watcher


@dataclass(frozen=True)
class Outcome:
    """What came of a training. `figures` are keyed as they are logged: `test/accuracy`."""

    figures: Mapping[str, float]
    objective: str
    """The figure that decided which weights are kept, such as `valid/accuracy`."""
    best_step: int
    steps: int
    epochs: float
    seconds: float
    stopped_early: bool
    baseline: str | None = None
    """What the figures `test/baseline_…` are those of, where the training computed some."""
    answers: Sheet | None = None
    """What the best weights answered in the test."""


def fit(learner: Learner[B], watch: Watcher, log_every: int) -> Outcome:
    """Train a network; it holds the best weights afterwards. Raises: Diverged, DataError."""
    budget, best, network = learner.budget, learner.best, learner.network
    figures: dict[str, float] = {}
    started = time.perf_counter()

    if (judged := learner.judge(0)) is not None:  # the untrained network: an honest first point of every curve
        figures = dict(judged.figures)
        watch.metrics(0, {best.objective: figures.get(best.objective, math.nan), **figures})
        watch.evaluated(0, 0, figures)
        best.offer(0, figures, network)
        for key, place, png in judged.pictures:
            watch.image(key, place, png)
    waited, examples = time.perf_counter(), learner.examples
    for step, epoch, batch in _steps(learner):
        due = step % log_every == 0 or step in (1, budget.steps)
        loss = learner.step(step, batch, due)
        if due or loss is not None:
            watch.stepped(step, loss)
        if due and (since := learner.since()):
            watch.metrics(step, since)
        if step % budget.evaluate_every == 0 or step == budget.steps:
            seconds = time.perf_counter() - waited
            if (judged := learner.judge(step)) is None:
                continue
            figures = dict(judged.figures)
            if learner.examples > examples:
                figures["system/examples_per_second"] = (learner.examples - examples) / seconds
            for place, points in judged.curves:
                watch.metrics(place, points)
            watch.metrics(step, figures)
            watch.evaluated(step, epoch, figures)
            best.offer(step, figures, network)
            for warning in judged.warnings:
                watch.warned(step, warning)
            for key, place, png in judged.pictures:
                watch.image(key, place, png)
            if best.is_late:
                break
            waited, examples = time.perf_counter(), learner.examples

    seconds = time.perf_counter() - started
    best.restore(network)
    concluded = learner.conclude(step, figures)
    last = {**best.figures, **concluded.figures}
    if last:
        watch.metrics(step, last)
    for warning in (*concluded.warnings, *filter(None, [best.doubt(step)])):
        watch.warned(step, warning)
    baseline = learner.baseline if any(name.startswith("test/baseline_") for name in last) else None
    epochs = step / budget.per_epoch
    return Outcome({**figures, **last}, best.objective, best.step, step, epochs, seconds, step < budget.steps, baseline, concluded.answers)


def _steps(learner: Learner[B]) -> Iterator[tuple[int, int, B]]:
    """(step, epoch, batch), both counted from 1."""
    step = 0
    for epoch in count(1):
        for batch in learner.batches(epoch):
            step += 1
            yield step, epoch, batch
            if step == learner.budget.steps:
                return
