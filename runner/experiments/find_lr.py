"""`nnrun find-lr`: a learning rate is suggested, by a short training whose rate grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.display import Display
from nnrun.runner.engine.pictures.rates import rates_picture
from nnrun.runner.engine.prepare import prepared
from nnrun.runner.engine.training.fit import fit
from nnrun.runner.engine.training.rates import RangeTest, Rates
from nnrun.runner.engine.training.stages import only
from nnrun.runner.job import Job
from nnrun.runner.reading import read
from nnrun.runner.record import contents
from nnrun.runner.signals import Stopped, stoppable
from nnrun.runner.tracking.delivered import Delivered
from nnrun.runner.tracking.known import KIND
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.store import Store


class NoRate(Fault):
    """The loss went down at no rate."""

    kind = "failed"
    id = "no-rate"
    path = ("train", "optimizer")


@dataclass(frozen=True)
class Found:
    """What a test found, and where MLflow shows it."""

    rates: Rates
    suggestion: float
    delivered: Delivered


def why_not(spec: Spec) -> str | None:
    """Why no rate can be looked for, or None."""
    if spec.is_staged:
        return "its `train` is a list of stages, each with a rate of its own: look for that of one stage in a spec of its own"
    assert spec.train is not None
    learner = spec.train.learner.type_name()
    return None if learner == "backprop" else f"it learns by `{learner}`, which has no loss to watch while the rate grows"


def find_lr(job: Job, store: Store, display: Display) -> Found:
    """Test the rates of a spec, and record it as a run of its experiment that others are not compared with.

    Raises: SpecErrors, SourceError, DataError, NoRate, Stopped.
    """
    with Recorder.start(store, say=display.say) as recorder:
        try:
            with stoppable():
                rates = _test(job, recorder, display)
        except Stopped as stop:
            recorder.finish("KILLED", f"stopped by {stop}", wait=8.0)
            raise
        except Fault as fault:
            fault.document = job.checked.document
            raise
        finally:
            display.stop()
    assert recorder.delivered is not None
    assert rates.suggestion is not None
    return Found(rates, rates.suggestion, recorder.delivered)


def _test(job: Job, recorder: Recorder, display: Display) -> Rates:
    """Raises: NoRate, and what the data or the device lacks."""
    checked, data, proof = read(job, display)
    plan = checked.plan
    assert plan is not None
    assert plan.spec.train is not None
    network, device = prepared(plan, recorder.store, data.ticks, display.say, data.vectors)
    contents.begin(recorder, job, checked, plan, data, device)
    recorder.tags({KIND: "find-lr", "mlflow.runName": "find-lr"})
    with only(network, plan.spec.train.nodes):
        learner = RangeTest(network, plan, data, device)
        display.start("find-lr", learner.budget.steps, learner.best.objective)
        fit(learner, _Watcher(recorder, display), 1)
        display.stop()
    proof.settle(display.say)
    found = learner.found
    suggestion = found.suggestion
    if found.rates:
        recorder.artifact("find_lr.png", rates_picture(found.rates, found.losses, found.smoothed, suggestion))
        columns = {"lr": list(found.rates), "loss": list(found.losses), "smoothed_loss": list(found.smoothed)}
        recorder.table("find_lr.json", columns)
    if suggestion is None:
        raise NoRate("the loss went down at no learning rate", "look at the curve in the run, at the data, and at what is frozen")
    what = f"Suggested learning rate: **{suggestion:g}**, a tenth of the rate at which the smoothed loss was lowest."
    recorder.note(f"{what}\n\n    {used(job, suggestion)}")
    return found


def used(job: Job, suggestion: float) -> str:
    """The command that trains with the suggestion."""
    return f"{job.command} --set train.optimizer.lr={suggestion:g}"


@dataclass
class _Watcher:
    """Tells the record all figures, and the display how far the test is."""

    recorder: Recorder
    display: Display

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        self.recorder.metrics(step, {name: figure for name, figure in figures.items() if name.startswith("find_lr/")})

    def stepped(self, step: int, loss: float | None) -> None:
        self.display.stepped(step, loss)

    def evaluated(self, step: int, epoch: int, figures: Mapping[str, float]) -> None: ...

    def warned(self, step: int, text: str) -> None: ...

    def image(self, key: str, step: int, png: bytes) -> None: ...
