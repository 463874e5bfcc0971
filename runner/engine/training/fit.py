"""The training, in the order of events."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

from nnrun.runner.allocator import give_back_memory
from nnrun.runner.engine.checkpoint.snapshot import Snapshot
from nnrun.runner.engine.inference.sheet import Sheet
from nnrun.runner.engine.training.best import is_finite
from nnrun.runner.engine.training.keeper import Keeper
from nnrun.runner.engine.training.learner import B, Learner, Watcher
from nnrun.runner.engine.world.split import kept
from nnrun.runner.signals import asked, give_up, held
from nnrun.runner.spans import BATCHES, CHECKPOINTS, EVALUATION, STEP


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


@dataclass
class Course:
    """Where a training stands, between two steps."""

    step: int = 0
    """Updates so far."""
    epoch: int = 1
    batch: int = 0
    """Batches of this epoch that were learned from."""
    judged: bool = False
    """Whether no evaluation is due here, or it was made."""
    over: bool = False
    """Whether this was the last step."""
    seconds: float = 0.0
    figures: dict[str, float] = field(default_factory=dict)
    """Those of the last evaluation."""


def fit(learner: Learner[B], watch: Watcher, log_every: int, keeper: Keeper | None = None, at: Course | None = None) -> Outcome:
    """Train a network; it holds the best weights afterwards. With `at` a training goes on that stood there.

    Raises: Diverged, DataError; Stopped, when the training is saved.
    """
    keeper, at = keeper or Keeper(), at or Course()
    budget, best, network = learner.budget, learner.best, learner.network
    pace = _Pace(time.perf_counter() - at.seconds, learner.examples)
    snapshot = partial(_snapshot, learner, at, pace)

    batches = _batches(learner, at)
    with held():  # a signal waits until a step is whole
        while True:
            if not at.judged:
                with EVALUATION:
                    _evaluate(learner, watch, keeper, at, pace)
            at.over = at.step >= budget.steps or best.is_late
            stopped, due = learner.world.any(asked() is not None, keeper.is_due(at.step))
            if (at.over or stopped or due) and is_finite(network, learner.world):  # else it is over at the next look
                with CHECKPOINTS:
                    keeper.keep(snapshot())
            if stopped:
                give_up()
            if at.over:
                break
            with BATCHES:
                batch = next(batches)
            due = at.step % log_every == 0 or at.step in (1, budget.steps)
            with STEP:
                loss = learner.step(at.step, batch, due)
            if due or loss is not None:
                watch.stepped(at.step, loss)
            if due and (since := learner.since()):
                watch.metrics(at.step, since)
            at.judged = at.step % budget.evaluate_every != 0 and at.step != budget.steps

    at.seconds = pace.seconds
    learner.settle()
    give_back_memory()
    with EVALUATION:
        concluded = learner.conclude(at.step, at.figures)
    last = {**best.figures, **concluded.figures}
    if last:
        watch.metrics(at.step, last)
    for warning in (*concluded.warnings, *filter(None, [best.doubt(at.step)])):
        watch.warned(at.step, warning)
    baseline = learner.baseline if any(name.startswith("test/baseline_") for name in last) else None
    return Outcome(
        {**at.figures, **last},
        best.objective,
        best.step,
        at.step,
        at.step / budget.per_epoch,
        at.seconds,
        at.step < budget.steps,
        baseline,
        concluded.answers,
    )


@dataclass
class _Pace:
    """How fast the training goes."""

    started: float
    """When it would have begun if it had never been broken off."""
    examples: int
    waited: float = field(default_factory=time.perf_counter)
    """When the last evaluation was over, and how many examples were learned from by then."""

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    def a_second(self, examples: int) -> float:
        """Examples a second since the last evaluation."""
        return (examples - self.examples) / (time.perf_counter() - self.waited)

    def rest(self, examples: int) -> None:
        """An evaluation is over."""
        self.waited, self.examples = time.perf_counter(), examples


def _evaluate(learner: Learner[B], watch: Watcher, keeper: Keeper, at: Course, pace: _Pace) -> None:
    """Judge the network, tell of it, keep the best weights. The untrained network is an honest first point of every curve."""
    best, speed = learner.best, {}
    if learner.examples > pace.examples:
        speed["system/examples_per_second"] = pace.a_second(learner.examples)
    # of many processes none leaves before the others do
    breakable = keeper.breakable(partial(_snapshot, learner, at, pace)) if learner.world.is_alone else nullcontext()
    with learner.averaged():
        with learner.gathered():
            with breakable:
                judged = learner.judge(at.step)
            at.judged = True
            if judged is None:
                return
            at.figures = {**judged.figures, **speed}
            for place, points in judged.curves:
                watch.metrics(place, points)
            watch.metrics(at.step, at.figures if at.step else {best.objective: at.figures.get(best.objective, math.nan), **at.figures})
            watch.evaluated(at.step, at.epoch if at.step else 0, at.figures)
        best.offer(at.step, at.figures, learner.network, learner.world)
    learner.heed(at.figures)
    for warning in judged.warnings:
        watch.warned(at.step, warning)
    for key, place, png in judged.pictures:
        watch.image(key, place, png)
    pace.rest(learner.examples)


def _batches(learner: Learner[B], at: Course) -> Iterator[B]:
    """The batch of the next step, without end; `at` goes on with it."""
    while True:
        for batch in learner.batches(at.epoch, at.batch):
            at.step += 1
            at.batch += 1
            yield batch
        at.epoch += 1
        at.batch = 0


def _snapshot(learner: Learner[B], at: Course, pace: _Pace) -> Snapshot:
    course = replace(at, seconds=pace.seconds)
    parts = vars(course), learner.network.state_dict(), learner.state(), learner.best.state()
    return Snapshot(*(kept(part, learner.world.is_first) for part in parts))
