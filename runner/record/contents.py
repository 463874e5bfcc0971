"""What a run leaves behind when it begins, when it ends, and when it breaks off."""

from __future__ import annotations

import json

import torch

from nnrun.registry.source import Source
from nnrun.runner import spans
from nnrun.runner.compiler.check import Checked
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import resolved_text
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.data.digest import digest
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.inference.sheet import Sheet
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.pictures.charts import curves
from nnrun.runner.engine.training.baselines.baseline import Baseline
from nnrun.runner.engine.training.best import is_finite
from nnrun.runner.engine.training.fit import Outcome
from nnrun.runner.engine.world.split import is_whole
from nnrun.runner.job import Job
from nnrun.runner.record.environment import environment
from nnrun.runner.record.history import History
from nnrun.runner.record.model import record_network
from nnrun.runner.record.names import run_name, tags
from nnrun.runner.record.note import note
from nnrun.runner.record.params import params
from nnrun.runner.record.parts import parts_table, parts_text, place, sizes
from nnrun.runner.record.predictions import record_predictions
from nnrun.runner.record.result import Result
from nnrun.runner.record.times import profile_text
from nnrun.runner.show.drawing import graph_svg
from nnrun.runner.show.loops import plan_text
from nnrun.runner.tracking.recorder import Recorder

CURVES = "curves.png"
DIGEST = 8
"""Digits of the data's digest that MLflow's column shows."""


def begin(recorder: Recorder, job: Job, checked: Checked, plan: Plan, data: Dataset, device: torch.device) -> None:
    """Make the run, with all that is known before its training."""
    spec, known = plan.spec, digest(data)
    recorder.open(
        spec.name,
        run_name(job.settings),
        params(plan, checked),
        {**tags(plan, str(device), job.command, known), **job.tags},
        note=note(plan, job.command),
        description=spec.description,
        source=job.path,
    )
    if spec.data is not None and isinstance(spec.data.source, Source):
        recorder.dataset(spec.data.source.type_name(), known[:DIGEST], place(spec.data.source, job.folder), sizes(data))
    recorder.artifact("environment.json", json.dumps(environment(plan, device), indent=1))
    recorder.artifact("spec/source.yaml", job.text)
    recorder.artifact("spec/resolved.yaml", resolved_text(plan))
    recorder.artifact("plan.txt", plan_text(plan, device.type))
    recorder.table("parts.json", parts_table(data))
    recorder.artifact("parts.txt", parts_text(data))
    recorder.artifact("graph.svg", graph_svg(checked))


def end(
    recorder: Recorder,
    job: Job,
    network: Network,
    plan: Plan,
    data: Dataset,
    history: History,
    result: Result,
    outcome: Outcome,
    beaten: Baseline | None = None,
) -> None:
    """Leave behind what a person wants to find in a run. `network` is on the CPU and has the weights of the best step."""
    recorder.artifact(CURVES, curves(history.points, outcome.best_step))
    part = data.test or data.valid
    if part is not None and (plan.read or outcome.answers):
        name = "valid" if data.test is None else "test"
        record_predictions(recorder, outcome.answers or Sheet(Predictor(network, plan, data.facts), part), name, beaten)
    if plan.spec.track.model:
        record_network(recorder, plan, network, data.facts, data.train)
    recorder.tags({"kept": f"step {outcome.best_step} of {result.steps}"})
    recorder.note(note(plan, job.command, result, picture=CURVES))


def profile(recorder: Recorder) -> None:
    """Leave behind where the time went, if that was asked for."""
    counted = spans.profile()
    if counted is not None:
        recorder.artifact("profile/times.txt", profile_text(counted))
        recorder.artifact("profile/trace.json", counted.trace())


def break_off(recorder: Recorder, job: Job, network: Network, plan: Plan, data: Dataset, history: History, why: str) -> None:
    """Leave behind what there is of a run that ends early: why, its curves, and its best weights."""
    drawn = bool(history.points)
    if drawn:
        recorder.artifact(CURVES, curves(history.points))
    if plan.spec.track.model and is_whole(network) and is_finite(network):
        record_network(recorder, plan, network.cpu(), data.facts, data.train)
    recorder.note(note(plan, job.command, why=why, picture=CURVES if drawn else None))
