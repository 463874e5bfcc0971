"""A whole run, in the order of events: data, network, training, test, record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nnrun.registry.fault import Fault
from nnrun.registry.training import Watching
from nnrun.runner.compiler.memory.needs import needed
from nnrun.runner.display import Display
from nnrun.runner.engine.shortage import explained, is_shortage
from nnrun.runner.importing import importing
from nnrun.runner.job import Job
from nnrun.runner.launch.place import Place, ProcessLost
from nnrun.runner.reading import read
from nnrun.runner.record.result import Result
from nnrun.runner.signals import Pruned, Stopped, asked, held, left, stoppable
from nnrun.runner.spans import BASELINE, DATA, NETWORK, RECORD, WAITING
from nnrun.runner.tracking.again.kept import KeptRun, NotResumable
from nnrun.runner.tracking.known import KnownRun
from nnrun.runner.tracking.recorder import WAIT, Recorder, Status
from nnrun.runner.tracking.store import Store

if TYPE_CHECKING:
    from nnrun.runner.compiler.memory.needs import Memory
    from nnrun.runner.compiler.plan import Plan
    from nnrun.runner.engine.data.dataset import Dataset
    from nnrun.runner.engine.world.world import World
    from nnrun.runner.record.start import Start
    from nnrun.runner.tracking.spawn import Sidecar

LOST = 5.0
"""Seconds in which a run of many processes is recorded when one of them is gone."""

RECORDED = 7.0
"""Seconds after a signal within which what there is of the run is recorded."""


class AlreadyRun(Exception):
    """The same experiment was run before."""

    def __init__(self, run: KnownRun) -> None:
        super().__init__(f"run `{run.name}` is the same experiment")
        self.run = run


def run(job: Job, store: Store, display: Display, once: bool = False, sidecar: Sidecar | None = None) -> Result:
    """Run a spec and record it. The run in MLflow ends FINISHED, FAILED or KILLED, as it deserves.

    With `once` nothing is trained that was trained before: the same resolved spec on the same data, by the same version.
    Raises: SpecErrors, SourceError, DataError, OutOfMemory, Diverged, Stopped; AlreadyRun; Pruned if the display has seen enough.
    """
    with stoppable():
        # first of all: MLflow is imported and its store made while we import torch
        recorder = Recorder.start(store, sidecar, say=display.say)
        recorder.keep_job(job.to_json())
        return _Run(job, recorder, display, once).whole()


def resume(kept: KeptRun, display: Display, sidecar: Sidecar | None = None) -> Result:
    """Go on with a run that was broken off, as if it had not been.

    Raises: NotResumable if it would be another experiment, or goes on already; and what `run` raises.
    """
    with stoppable():
        folder = kept.taken_over()
        with importing():
            from nnrun.runner.record.start import Start
        start = Start.of(folder.checkpoints)
        recorder = Recorder.go_on(folder, start.journal, sidecar, display.say)
        return _Run(Job.from_json(folder.job.read_text()), recorder, display, start=start).whole()


@dataclass
class _Run:
    """A run on its way."""

    job: Job
    recorder: Recorder
    display: Display
    once: bool = False
    start: Start | None = None
    """What it goes on from, if it was broken off."""
    leave: Callable[[str], None] | None = None
    """Keeps what there is of a run that breaks off, and why it does; None before its training."""
    planned: Memory | None = None
    """What its training takes; None before its data is read."""

    @property
    def needs(self) -> Memory | None:
        """What its training takes, as far as that is known yet."""
        plan = self.job.checked.plan
        return self.planned or (needed(plan) if plan is not None else None)

    def whole(self) -> Result:
        """All of it, however it ends."""
        recorder = self.recorder
        try:
            with importing():
                from nnrun.runner.engine.world.world import entered
            with explained(lambda: self.needs), entered(Place.here()) as world:
                result = self.to_the_end(world)
            with WAITING:
                delivered = recorder.finish("FINISHED")
        except AlreadyRun:
            recorder.forget_job()
            recorder.finish("FINISHED")  # none was opened
            raise
        except Pruned as pruned:
            recorder.forget_job()
            recorder.tags({"pruned": str(pruned)})
            recorder.finish("KILLED")
            raise
        except NotResumable as error:
            if self.start is None:  # a new run, that was to train another one for longer
                recorder.forget_job()
            self.break_off("KILLED", error.message)
            raise
        except BaseException as error:
            self.display.stop()
            if isinstance(error, Fault):
                error.document = self.job.checked.document
            if isinstance(error, ProcessLost):  # whoever watches the processes ends this one too: that must not break off the record
                with held():
                    self.break_off("KILLED", error.message, wait=LOST)
                    raise
            stop = error if isinstance(error, Stopped) else asked()
            if stop is None:
                self.break_off("FAILED", f"{type(error).__name__}: {error}", error.message if isinstance(error, Fault) else None)
                raise
            if recorder.delivered is not None:
                self.display.say(f"stopped by {stop}: the run has finished, and is delivered in the background")
                raise
            self.display.say(f"stopped by {stop}: ending the run")
            self.break_off("KILLED", f"stopped by {stop}", wait=left(RECORDED))
            self.display.say(f"`nnrun resume {recorder.called}` continues")
            raise stop from None  # a library may have made another error of it
        return replace(result, delivered=delivered, previous=delivered.previous.metrics if delivered.previous else {})

    def break_off(self, status: Status, why: str, told: str | None = None, wait: float = WAIT) -> None:
        """End the run before its end; people are told `told`, if it is not `why`."""
        try:
            if self.leave is not None:
                self.leave(f"{status}: {told or why}")
        except Exception as error:
            if asked() is None and not is_shortage(error):
                raise
            self.display.say(f"curves and weights could not be recorded: {error}")
        finally:
            if status == "FAILED" and not self.recorder.checkpoints.exists():
                self.recorder.forget_job()
            delivered = self.recorder.finish(status, why, wait)
        if delivered.links is not None:
            self.display.say(f"what there is of the run: {delivered.links.run}")

    def check_new(self, plan: Plan, data: Dataset, world: World) -> None:
        """Raises: AlreadyRun."""
        from nnrun.runner.engine.data.digest import digest
        from nnrun.runner.follow import KNOWN
        from nnrun.runner.record.names import identity
        from nnrun.runner.tracking.runs import same_run

        known = same_run(self.recorder.store, plan.spec.name, identity(plan, digest(data)))
        if known is not None:
            world.gathered(KNOWN)
            raise AlreadyRun(known)

    def to_the_end(self, world: World) -> Result:
        with importing():
            from nnrun.runner.engine.checkpoint.kept import Kept
            from nnrun.runner.engine.data.digest import digest
            from nnrun.runner.engine.data.room import planned
            from nnrun.runner.engine.inference.predict import Predictor
            from nnrun.runner.engine.inference.samples import samples
            from nnrun.runner.engine.prepare import prepared
            from nnrun.runner.engine.training.baselines.baseline import baseline
            from nnrun.runner.engine.training.best import higher_figures
            from nnrun.runner.engine.training.doubts import doubts
            from nnrun.runner.engine.training.keeper import Checkpoints
            from nnrun.runner.engine.training.stages import train_stages
            from nnrun.runner.follow import agree
            from nnrun.runner.record import contents
            from nnrun.runner.record.history import History
            from nnrun.runner.record.start import Start, for_longer, here

        job, recorder, display = self.job, self.recorder, self.display
        world.told(job.to_json())
        with DATA:
            checked, data, proof = read(job, display)
        plan = checked.plan
        assert plan is not None
        assert plan.spec.train is not None
        self.planned = planned(plan, data)
        if self.once:
            self.check_new(plan, data, world)
        agree(world, digest(data))
        with NETWORK:
            network, device = prepared(plan, recorder.store, data.ticks, display.say, data.vectors)
        start, now = self.start or Start(), here(network, plan, device, digest(data))
        if start.snapshot is None and job.continues is not None:
            start = for_longer(Start.of(Path(job.continues)))
        goes_on = self.start is not None or job.continues is not None
        changed = start.doubts(now) if goes_on else []
        if start.is_other and plan.spec.train.schedule is not None and not isinstance(plan.spec.train.schedule, Watching):
            changed.append("the schedule is computed anew for the new total: the learning rate goes on from another value")
        with RECORD:
            contents.begin(recorder, job, checked, plan, data, device)

        sample = None
        if plan.decoding is not None:
            sample = partial(samples, Predictor(network, plan, data.facts), data.valid or data.train, plan.spec.train.seed)
        display.asked = frozenset(metric.label for metric in plan.spec.metrics or ())
        history = History(recorder, display, sample, proof.look)
        if start.journal:
            assert start.snapshot is not None
            history.take(start.snapshot.watcher, recorder.figures(start.journal))
            for step, figures in recorder.figures(start.journal):
                display.recall(step, figures)
        self.leave = partial(contents.break_off, recorder, job, network, plan, data, history)
        for doubt in doubts(plan, data) if not start.journal else ():
            history.warned(0, doubt)
        if goes_on:
            display.say(start.told)
            recorder.tags({"resumed": start.told})
            for doubt in changed:
                history.warned(0, doubt)
        keeper = Checkpoints(Kept(recorder.checkpoints), now, history.state, display.say)
        snapshot = world.told(start.snapshot)
        outcome = train_stages(network, plan, data, device, history, display, keeper=keeper, start=snapshot, world=world)
        display.stop()
        with BASELINE:
            beaten = baseline(plan, data, plan.spec.track) if plan.losses else None
        if beaten is not None:
            history.metrics(outcome.steps, beaten.figures)
        for figure, step in recorder.differing.items():
            history.warned(step, f"`{figure}` was not the same when it was computed again, first at step {step}")
        with DATA:
            proof.settle(display.say)
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
        with RECORD:
            contents.end(recorder, job, network.cpu(), plan, data, history, result, outcome, beaten)
        contents.profile(recorder)
        if plan.spec.train.checkpoint.keep == "none" or job.is_trial:
            recorder.forget_job()
        return replace(result, kept_bytes=recorder.kept_bytes)
