"""A whole sweep, in the order of events: trials are chosen, run by workers, noted; the best is kept as a file."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from pathlib import Path

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.check import SpecErrors
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.experiments.parent import run_id_of
from nnrun.runner.experiments.sweep import space
from nnrun.runner.experiments.sweep.live import Live
from nnrun.runner.experiments.sweep.study import FOLDER, Study, others
from nnrun.runner.experiments.sweep.summary import Summary
from nnrun.runner.experiments.sweep.trials import REPEAT, TRIAL, Begun, Died, Done, Evaluated, Failed, GivenUp, Said, Stepped, Task
from nnrun.runner.experiments.sweep.workers.local import LocalWorkers
from nnrun.runner.experiments.sweep.workers.workers import Call, Engine, Worker, Workers
from nnrun.runner.job import Job
from nnrun.runner.record.short import differences
from nnrun.runner.signals import Stopped, stoppable
from nnrun.runner.tracking.delivered import Delivered
from nnrun.runner.tracking.known import PARENT
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.store import Store, StoreError

SAME = 3
"""Trials that fail in one way, and none in another or not at all, until the sweep is given up."""

DEATHS = 3
"""Processes that may die over one run of a trial."""


class NoTrial(Fault):
    """No trial of a sweep has finished."""

    kind = "failed"
    id = "no-trial"


@dataclass(frozen=True)
class Swept:
    """What a sweep has found."""

    study: Study
    summary: Summary
    delivered: Delivered


def sweep(job: Job, store: Store, live: Live, *, engine: Engine = LocalWorkers, trials: int | None = None) -> Swept:
    """Search as the `sweep` of a spec says, and go on where an earlier process ended.

    Raises: SpecErrors, SweepBusy, StoreError, NoTrial, Stopped; what the engine raises.
    """
    plan = job.checked.plan
    if plan is None:
        raise SpecErrors(job.checked)
    assert plan.spec.sweep is not None
    folder = (store.database.parent if store.database else Path.cwd()) / FOLDER
    name = f"{plan.spec.name}-{space.identity(plan, store.public if store.is_server else None)}"
    path = folder / f"{name}.journal"
    known = path.exists()
    figure, high = space.objective(plan)
    with stoppable():
        study = Study(path, plan.spec.sweep, high)
        try:
            total = space.total(plan.spec.sweep, trials)
            _say_which(study, known, total, live, plan)
            return _Sweep(job, plan, store, study, live, total, figure).run(engine)
        finally:
            study.close()


def _say_which(study: Study, known: bool, total: int, live: Live, plan: Plan) -> None:
    if known:
        numbers = ", ".join(map(str, study.interrupted))
        again = f"; under way were {numbers}, which are tried again" if numbers else ""
        live.say(f"going on with the sweep `{study.name}`: {study.over} of {total} trials are done{again}")
    elif older := others(study.path, plan.spec.name):
        live.say(f"a new sweep `{study.name}`: the spec or what is searched has changed since `{older[-1].stem}`")
    else:
        live.say(f"a new sweep `{study.name}`")


class _Sweep:
    def __init__(self, job: Job, plan: Plan, store: Store, study: Study, live: Live, total: int, figure: str) -> None:
        self.job, self.plan, self.store, self.study, self.live, self.total = job, plan, store, study, live, total
        assert plan.spec.sweep is not None
        self.sweep = plan.spec.sweep
        # where no part is kept for validation, the training part must do
        self.figures = (figure,) if self.sweep.figure else (figure, f"train/{figure.partition('/')[2]}")
        self.queue: deque[tuple[int, int, bool]] = deque()
        """Runs to do next: trial, index, and whether it was begun before."""
        self.deaths: Counter[tuple[int, int]] = Counter()
        self.parent = ""

    def run(self, engine: Engine) -> Swept:
        recorder = Recorder.start(replace(self.store, run_id=self.study.run_id or self.store.run_id), say=self.live.say)
        try:
            assert self.plan.spec.train is not None
            left = max(0, self.total - self.study.over)
            workers = engine(Call(replace(self.store, run_id=None), self.plan.spec.train, left, self.live.say))
            try:
                summary = Summary(recorder, self.job, self.plan, self.study, self.figures, self.total)
                summary.open()
                help = f"`{self.study.path}` holds the sweep: without it the sweep begins anew" if self.study.run_id else None
                self.parent = self.study.run_id = run_id_of(recorder, self.store, "the sweep", help)
                self.live.start(self.study, self.total, len(workers.all))
                self._go_on(workers, summary)
            finally:
                self.live.stop()
                workers.stop()
            summary.end()
            delivered = recorder.finish("FINISHED") if self.study.finished else recorder.finish("FAILED", "no trial has finished")
        except Stopped as stop:
            self.live.say(f"stopped by {stop}: {self.study.over} of {self.total} trials are done; the same command goes on")
            recorder.finish("KILLED", f"stopped by {stop}", wait=8.0)
            raise
        except BaseException as error:
            recorder.finish("FAILED", f"{type(error).__name__}: {error}", wait=0.0 if isinstance(error, StoreError) else 8.0)
            raise
        if not self.study.finished:
            raise self._nothing(f"none of {self.study.over} trials has finished")
        return Swept(self.study, summary, delivered)

    def _go_on(self, workers: Workers, summary: Summary) -> None:
        """Until all trials are done. No worker waits for another."""
        for number in self.study.interrupted:
            self._enqueue(number, again=True)
        while True:
            for worker in workers.idle:
                task = self._next()
                if task is None:
                    self.live.idle(worker.number)
                    continue
                workers.give(worker, task)
                self.live.given(worker.number, task, self.study.settings(task.trial))
            if not workers.busy and not self._is_left:
                return
            for worker, said in workers.said(0.5):
                self._hear(workers, worker, said, summary)

    @property
    def _is_left(self) -> bool:
        """Whether there is more to do, for workers that may come."""
        return bool(self.queue) or self.study.begun < self.total

    def _next(self) -> Task | None:
        """The next run of a trial that is there, else the first of a new trial."""
        if not self.queue and self.study.begun < self.total:
            self._enqueue(self.study.ask(), again=False)
        while self.queue:
            trial, index, again = self.queue.popleft()
            if not self.study.trials[trial].state.is_finished():
                return self._task(trial, index, again)
        return None

    def _enqueue(self, trial: int, again: bool) -> None:
        """The runs of a trial that are still to do; where it may be given up, the first must pass before the others begin."""
        left = [index for index in range(self.sweep.repeat) if index not in self.study.runs(trial)]
        if self.sweep.prune is not None and 0 in left:
            left = [0]
        self.queue.extend((trial, index, again) for index in left)

    def _task(self, trial: int, index: int, again: bool) -> Task:
        assert self.plan.spec.train is not None
        settings = (*self.job.settings, *self.study.settings(trial))
        if self.sweep.repeat > 1:
            settings = (*settings, f"train.seed={self.plan.spec.train.seed + index}")
        tags = {PARENT: self.parent, TRIAL: str(trial), REPEAT: str(index)}
        judged = self.sweep.prune is not None and index == 0
        job = Job(self.job.text, self.job.name, settings, self.job.path, tags, is_trial=True)
        return Task(trial, index, job, self.parent, self.figures, judged, again)

    def _hear(self, workers: Workers, worker: Worker, said: Said, summary: Summary) -> None:
        task = worker.task
        match said:
            case Begun(steps):
                self.live.begun(worker.number, steps)
            case Stepped(step):
                self.live.stepped(worker.number, step)
            case Evaluated(count, value, answer):
                assert task is not None
                self.live.evaluated(worker.number, value)
                if answer:
                    workers.answer(worker, self.study.should_prune(task.trial, count, value))
            case Died(how):
                self._bury(task, how, summary)
            case _:
                assert task is not None
                worker.task = None
                self._note(task, said, summary)

    def _bury(self, task: Task | None, how: str, summary: Summary) -> None:
        """A process is gone: what it was doing is done again, unless that is what kills it."""
        if task is None:
            return
        run = task.trial, task.index
        self.deaths[run] += 1
        if self.deaths[run] < DEATHS:
            self.live.say(f"the process of trial {task.trial} ended {how}: the trial is tried again")
            self.queue.appendleft((*run, True))
        else:
            self._note(task, Failed("died", f"its process ended {how}, {DEATHS} times; there may be too little memory"), summary)

    def _note(self, task: Task, said: Said, summary: Summary) -> None:
        """Note how a run of a trial ended. Raises: NoTrial if all trials fail in one way."""
        trial = task.trial
        if self.study.trials[trial].state.is_finished():  # another run of it has failed meanwhile
            return
        match said:
            case Done():
                if not self.study.keep(trial, task.index, said):
                    if task.judged:
                        self._enqueue(trial, again=False)
                    return
            case GivenUp():
                self.study.prune(trial)
            case Failed():
                self.study.fail(trial, said)
        self.live.ended(self.study, trial, said.trace if isinstance(said, Failed) else None)
        summary.trial(trial)
        ended = [self.study.error(one.number) for one in self.study.trials if one.state.is_finished()]
        if len(ended) >= SAME and len({error and error[0] for error in ended}) == 1 and isinstance(said, Failed):
            raise self._nothing(f"the first {self.study.over} trials failed in the same way")

    def _nothing(self, what: str) -> NoTrial:
        errors = [(one.number, error[1]) for one in self.study.trials if (error := self.study.error(one.number)) is not None]
        last = "".join(f"; trial {number}, {differences(self.study.settings(number))}: {message}" for number, message in errors[-1:])
        return NoTrial(f"{what}{last}", f"see whether `{self.job.command}` runs, and whether the ranges under `over` make sense")
