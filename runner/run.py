"""A whole run, in the order of events: data, network, training, test, record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.check import Checked, SpecErrors, check
from nnrun.runner.display import Display
from nnrun.runner.job import Job
from nnrun.runner.record.result import Result
from nnrun.runner.signals import Pruned, Stopped, stoppable
from nnrun.runner.tracking.known import KnownRun
from nnrun.runner.tracking.recorder import WAIT, Recorder, Status
from nnrun.runner.tracking.store import Store

if TYPE_CHECKING:
    from nnrun.runner.compiler.plan import Plan
    from nnrun.runner.engine.data.columns import Parts
    from nnrun.runner.engine.data.dataset import Dataset
    from nnrun.runner.tracking.spawn import Sidecar


class AlreadyRun(Exception):
    """The same experiment was run before."""

    def __init__(self, run: KnownRun) -> None:
        super().__init__(f"run `{run.name}` is the same experiment")
        self.run = run


def run(job: Job, store: Store, display: Display, once: bool = False, sidecar: Sidecar | None = None) -> Result:
    """Run a spec and record it. The run in MLflow ends FINISHED, FAILED or KILLED, as it deserves.

    With `once` nothing is trained that was trained before: the same resolved spec on the same data, by the same version.
    Raises: SpecErrors, SourceError, DataError, Diverged, Stopped; AlreadyRun; Pruned if the display has seen enough.
    """
    recorder = Recorder.start(store, sidecar, say=display.say)  # first of all: MLflow is imported and its store made while we import torch
    going = _Run(job, recorder, display, once)
    try:
        with stoppable():
            result = going.to_the_end()
        delivered = recorder.finish("FINISHED")
    except AlreadyRun:
        recorder.finish("FINISHED")  # none was opened
        raise
    except Stopped as stop:
        display.stop()
        display.say(f"stopped by {stop}: ending the run")
        going.break_off("KILLED", f"stopped by {stop}", wait=8.0)
        raise
    except Pruned as pruned:
        recorder.tags({"pruned": str(pruned)})
        recorder.finish("KILLED")
        raise
    except BaseException as error:
        display.stop()
        if isinstance(error, Fault):
            error.document = job.checked.document
        going.break_off("FAILED", f"{type(error).__name__}: {error}", error.message if isinstance(error, Fault) else None)
        raise
    return replace(result, delivered=delivered, previous=delivered.previous.metrics if delivered.previous else {})


@dataclass
class _Run:
    """A run on its way."""

    job: Job
    recorder: Recorder
    display: Display
    once: bool
    leave: Callable[[str], None] | None = None
    """Keeps what there is of a run that breaks off, and why it does; None before its training."""

    def break_off(self, status: Status, why: str, told: str | None = None, wait: float = WAIT) -> None:
        """End the run before its end; people are told `told`, if it is not `why`."""
        if self.leave is not None:
            self.leave(f"{status}: {told or why}")
        delivered = self.recorder.finish(status, why, wait)
        if delivered.links is not None:
            self.display.say(f"what there is of the run: {delivered.links.run}")

    def check_new(self, plan: Plan, data: Dataset) -> None:
        """Raises: AlreadyRun."""
        from nnrun.runner.engine.data.digest import digest
        from nnrun.runner.record.names import identity
        from nnrun.runner.tracking.runs import same_run

        known = same_run(self.recorder.store, plan.spec.name, identity(plan, digest(data)))
        if known is not None:
            raise AlreadyRun(known)

    def to_the_end(self) -> Result:
        from nnrun.runner.engine.inference.predict import Predictor
        from nnrun.runner.engine.inference.samples import samples
        from nnrun.runner.engine.prepare import prepared
        from nnrun.runner.engine.training.baseline import baseline
        from nnrun.runner.engine.training.best import higher_figures
        from nnrun.runner.engine.training.doubts import doubts
        from nnrun.runner.engine.training.stages import train_stages
        from nnrun.runner.record import contents
        from nnrun.runner.record.history import History

        job, recorder, display = self.job, self.recorder, self.display
        checked, data, parts = read(job, display)
        plan = checked.plan
        assert plan is not None
        assert plan.spec.train is not None
        if self.once:
            self.check_new(plan, data)
        network, device = prepared(plan, recorder.store)
        contents.begin(recorder, job, checked, plan, data, device)

        sample = None
        if plan.decoding is not None:
            sample = partial(samples, Predictor(network, plan, data.facts), data.valid or data.train, plan.spec.train.seed)
        display.asked = frozenset(metric.label for metric in plan.spec.metrics or ())
        history = History(recorder, display, sample)
        self.leave = partial(contents.break_off, recorder, job, network, plan, data, history)
        for doubt in doubts(plan, data, parts):
            history.warned(0, doubt)
        outcome = train_stages(network, plan, data, device, history, display)
        display.stop()
        beaten = baseline(plan, data, parts, plan.spec.track) if plan.losses else None
        if beaten is not None:
            history.metrics(outcome.steps, beaten.figures)
        result = Result(
            plan.spec.name,
            {**outcome.figures, **(beaten.figures if beaten else {})},
            outcome.objective,
            beaten.name if beaten else outcome.baseline,
            outcome.seconds,
            outcome.steps,
            outcome.stopped_early,
            int(plan.size),
            len(data.train),
            kept_step=outcome.best_step,
            epochs=None if plan.stages else outcome.epochs,
            higher=higher_figures(plan),
        )
        contents.end(recorder, job, network.cpu(), plan, data, history, result, outcome)
        return result


def read(job: Job, display: Display) -> tuple[Checked, Dataset, Parts]:
    """The data, what its training part taught, and the spec checked with that. Raises: SpecErrors, SourceError, DataError."""
    from nnrun.runner.engine.data.columns import load_columns
    from nnrun.runner.engine.data.dataset import prepare
    from nnrun.runner.engine.data.masks import with_masks
    from nnrun.runner.record.parts import parts_text

    first = job.checked
    if first.plan is None:
        raise SpecErrors(first)
    spec = first.plan.spec.data
    assert spec is not None
    display.say(f"reading {spec.source.type_name() if spec.source else ''}")
    parts = load_columns(spec, first.plan.fields, job.folder)
    data = with_masks(prepare(spec, first.plan.fields, parts, first.plan.targets, job.folder), first.plan, job.folder)
    for line in data.said:
        display.say(line)
    checked = check(job.text, job.name, settings=job.settings, facts=data.facts)
    if checked.plan is None:
        raise SpecErrors(checked)
    for line in parts_text(data).splitlines():
        display.say(f"  {line}")
    return checked, data, parts
