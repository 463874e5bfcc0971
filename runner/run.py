"""A whole run, in the order of events: data, network, training, test, record."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.check import Checked, SpecErrors, check
from nnrun.runner.display import Display
from nnrun.runner.job import Job
from nnrun.runner.record.result import Result
from nnrun.runner.signals import Pruned, Stopped, stoppable
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.store import Store

if TYPE_CHECKING:
    from nnrun.runner.engine.data.columns import Parts
    from nnrun.runner.engine.data.dataset import Dataset
    from nnrun.runner.tracking.spawn import Sidecar


def run(job: Job, store: Store, display: Display, sidecar: Sidecar | None = None) -> Result:
    """Run a spec and record it. The run in MLflow ends FINISHED, FAILED or KILLED, as it deserves.

    Raises: SpecErrors, SourceError, DataError, Diverged, Stopped; Pruned if the display has seen enough.
    """
    recorder = Recorder.start(store, sidecar)  # first of all: MLflow is imported and its store made while we import torch
    try:
        with stoppable():
            result = _run(job, recorder, display)
        delivered = recorder.finish("FINISHED")
    except Stopped as stop:
        display.stop()
        display.say(f"stopped by {stop}: ending the run")
        recorder.finish("KILLED", f"stopped by {stop}", wait=8.0)
        raise
    except Pruned as pruned:
        recorder.tags({"pruned": str(pruned)})
        recorder.finish("KILLED")
        raise
    except BaseException as error:
        display.stop()
        if isinstance(error, Fault):
            error.document = job.checked.document
        recorder.finish("FAILED", f"{type(error).__name__}: {error}")
        raise
    return replace(result, delivered=delivered, previous=delivered.previous.metrics if delivered.previous else {})


def _run(job: Job, recorder: Recorder, display: Display) -> Result:
    from nnrun.runner.engine.inference.predict import Predictor
    from nnrun.runner.engine.inference.samples import samples
    from nnrun.runner.engine.network.network import Network
    from nnrun.runner.engine.prepare import check_compiled, choose_device, load_weights, prepare_torch
    from nnrun.runner.engine.training.baseline import baseline
    from nnrun.runner.engine.training.doubts import doubts
    from nnrun.runner.engine.training.stages import train_stages
    from nnrun.runner.record import contents
    from nnrun.runner.record.history import History

    checked, data, parts = _read(job, display)
    plan = checked.plan
    assert plan is not None
    assert plan.spec.train is not None
    device = choose_device(plan.spec.train.device)
    prepare_torch(plan.spec.train)
    network = Network(plan)
    check_compiled(network, device)
    load_weights(network, recorder.store)
    network = network.to(device)
    contents.begin(recorder, job, checked, plan, data, device)

    sample = None
    if plan.decoding is not None:
        sample = partial(samples, Predictor(network, plan, data.facts), data.valid or data.train, plan.spec.train.seed)
    display.asked = frozenset(metric.label for metric in plan.spec.metrics or ())
    history = History(recorder, display, sample)
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
    )
    contents.end(recorder, job, network.cpu(), plan, data, history, result, outcome.best_step)
    return result


def _read(job: Job, display: Display) -> tuple[Checked, Dataset, Parts]:
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
