"""The network of a run as one of MLflow's models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from nnrun.registry.field import Facts
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.checkpoint.model import contents
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.inference.example import example_of
from nnrun.runner.engine.inference.saying.what import ANSWERS
from nnrun.runner.engine.inference.signature import signature
from nnrun.runner.engine.network.network import Network
from nnrun.runner.tracking.recorder import ModelColumn, Recorder

LOADER = "nnrun"
"""The module that MLflow asks to load it: the front door, which nobody's own file has the name of."""


PARAMS = {"what": [ANSWERS], "best": 1}
"""What may be asked for beside the rows, as `Model.predict` takes it."""


def record_network(recorder: Recorder, plan: Plan, network: Network, facts: Mapping[str, Facts], part: Part) -> None:
    """Keep a network, on the CPU, with the run. The first example of `part` shows what it may be asked."""
    record_model(recorder, plan, contents(network, facts), example_of(plan, facts, part))


def record_model(recorder: Recorder, plan: Plan, files: Mapping[str, bytes], example: Mapping[str, Sequence[Any]]) -> None:
    """Keep a saved network, with what it reads and gives."""
    inputs, outputs = ([ModelColumn(one["name"], one["type"], (-1,) * one["axes"]) for one in columns] for columns in signature(plan))
    requirements = [f"nnrun=={version('nnrun')}"]
    recorder.model(files, loader=LOADER, inputs=inputs, outputs=outputs, requirements=requirements, example=example, params=PARAMS)
