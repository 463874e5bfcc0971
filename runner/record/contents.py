"""What a run leaves behind when it begins, and when it ends."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version

import torch

from nnrun.runner.compiler.check import Checked
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import params, resolved_text
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.pictures.charts import curves
from nnrun.runner.job import Job
from nnrun.runner.record.history import History
from nnrun.runner.record.model import record_network
from nnrun.runner.record.names import run_name, tags
from nnrun.runner.record.note import note
from nnrun.runner.record.parts import parts_table, parts_text
from nnrun.runner.record.predictions import record_predictions
from nnrun.runner.record.result import Result
from nnrun.runner.show.drawing import graph_svg
from nnrun.runner.show.loops import plan_text
from nnrun.runner.tracking.recorder import Recorder

PACKAGES = ("nnrun", "torch", "numpy", "mlflow", "torchmetrics", "pydantic", "safetensors", "scikit-learn")


def begin(recorder: Recorder, job: Job, checked: Checked, plan: Plan, data: Dataset, device: torch.device) -> None:
    """Make the run, with all that is known before its training."""
    spec = plan.spec
    recorder.open(
        spec.name,
        run_name(spec.name, job.settings),
        params(plan),
        {**tags(plan, str(device), job.command), **job.tags},
        note=note(plan, job.command),
        description=spec.description,
        source=job.path,
    )
    recorder.artifact("spec/source.yaml", job.text)
    recorder.artifact("spec/resolved.yaml", resolved_text(plan))
    recorder.artifact("plan.txt", plan_text(plan, device.type))
    recorder.table("parts.json", parts_table(data))
    recorder.artifact("parts.txt", parts_text(data))
    recorder.artifact("graph.svg", graph_svg(checked))


def end(recorder: Recorder, job: Job, network: Network, plan: Plan, data: Dataset, history: History, result: Result, best: int) -> None:
    """Leave behind what a person wants to find in a run. `network` is on the CPU and has the weights of step `best`."""
    recorder.artifact("curves.png", curves(history.points, best))
    part = data.test or data.valid
    if part is not None and plan.read:
        record_predictions(recorder, Predictor(network, plan, data.facts), part)
    if plan.spec.track.model:
        record_network(recorder, plan, network, data.facts, data.train)
    recorder.artifact("environment.json", json.dumps(_environment(), indent=1))
    recorder.note(note(plan, job.command, result))


def _environment() -> Mapping[str, str]:
    return {"python": platform.python_version(), "platform": platform.platform(), **{name: version(name) for name in PACKAGES}}
