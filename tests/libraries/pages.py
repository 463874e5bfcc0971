"""The networks of the pages in runner/libraries: the code of a library, and the same in our notation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nnrun.registry.shape import Shape, known
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.text.diagnostic import Report
from nnrun.runner.compiler.text.source import dump, load_document
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.network.network import Network
from tests.tracking.support import ROOT

FOLDER = ROOT / "runner" / "libraries"

EXAMPLES, TICKS = 5, 7

Weights = Mapping[str, Tensor | None]
"""What a node has learned, under our names; None for what a layer does not have."""


@dataclass(frozen=True)
class Pair:
    """A network in both notations."""

    title: str
    code: str
    spec: str

    def __str__(self) -> str:
        return self.title


def pairs(page: str) -> list[Pair]:
    """The networks of a page."""
    _, *parts = re.split("^### ", (FOLDER / f"{page}.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [Pair(part.partition("\n")[0], *re.findall(r"```\w+\n(.*?)```", part, re.DOTALL)) for part in parts]


def plan_of(spec: str) -> Plan:
    """Of what a page shows, with what it leaves out because it is the same in all. The last edge leads to what the network says."""
    shown = dict(load_document(spec, "page", Report()).value)
    said = shown["edges"][-1].split()[-1]
    data = {"source": "npz", "file": "data.npz", "fields": shown.pop("fields")}
    train = {"loss": {"type": "mse", "input": said, "target": said}}
    checked = check(dump({"nnrun": 1, "name": "page", "data": data, **shown, "train": train}))
    assert checked.report.ids == [], checked.report
    assert checked.plan is not None
    return checked.plan


def inputs(plan: Plan) -> dict[str, Tensor]:
    """Random values of its fields, ticks first."""
    return {name: _random(field.shape(name)) for name, field in plan.fields.items()}


def _random(shape: Shape) -> Tensor:
    size = (*((TICKS,) if shape.time else ()), EXAMPLES, *map(known, shape.axes))
    return torch.randn(size) if shape.kind == "number" else torch.randint(known(shape.classes), size)  # type: ignore[arg-type]


def answer(plan: Plan, given: Mapping[str, Tensor], learned: Sequence[Weights]) -> Tensor:
    """What our network says, with these weights for its nodes that have some, in the order of the page; examples first."""
    network = Network(plan).eval()
    state = network.state_dict()
    owners = list(dict.fromkeys(name.partition(".")[0] for node in plan.spec.nodes for name in state if name.startswith(f"{node}.")))
    assert len(owners) == len(learned)
    told = ((f"{owner}.{name}", weight) for owner, one in zip(owners, learned, strict=True) for name, weight in one.items())
    network.load_state_dict({name: weight for name, weight in told if weight is not None})
    lengths = {name: torch.full((EXAMPLES,), TICKS) for name, field in plan.fields.items() if field.shape(name).time}
    (loss,) = plan.losses
    with torch.no_grad():
        said: Tensor = network(Batch(given, lengths, EXAMPLES), (loss.input,))[loss.input]
    return said.transpose(0, 1) if loss.input_shape.time else said


def batch_first(plan: Plan, given: Mapping[str, Tensor]) -> Iterator[Tensor]:
    """Values of the fields as libraries want them."""
    return (value.transpose(0, 1) if plan.fields[name].shape(name).time else value for name, value in given.items())


def run(code: str, names: dict[str, Any]) -> Any:
    """The network that the code of a page calls `model`."""
    exec(code, names)
    return names["model"]
