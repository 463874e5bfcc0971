"""Trainings that several processes share, and what one process makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nnrun.registry.objective import Loss
from nnrun.registry.optimizers.sgd import Sgd
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.checkpoint.snapshot import Snapshot
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.stages import train_stages
from nnrun.runner.engine.world.world import ALONE, World
from nnrun.runner.job import Job
from nnrun.runner.smoke import made_up
from tests.engine.support import CPU
from tests.engine.test_gaps import SPEC as GAPS
from tests.engine.test_gaps import table
from tests.engine.test_going_on import KINDS, Everything, Watch, digits, prepared
from tests.engine.test_weights import SPEC as WEIGHTS
from tests.engine.test_weights import table as weighed

ROOT = Path(__file__).parents[2]

GALLERY = sorted(path.stem for path in (ROOT / "specs").glob("*.yaml"))

SMALL = 6
"""Examples of a batch: as many as three processes can share, and the last batch of an epoch holds fewer."""

IMAGES = """\
nnrun: 1
name: images
data:
  source: {source: csv, file: data.csv}
  fields: {image: {type: image, size: 8, channels: 1, augment: {shift: 1, flip: horizontal}}, digit: {type: category}}
nodes:
  conv: {type: conv, filters: 4, kernel: 3, padding: same}
  norm: {type: batch_norm}
  act: {type: activation, function: tanh}  # without a kink, at which rounding would decide
  drop: {type: dropout, rate: 0.3}
  flat: {type: flatten}
  scores: {type: linear, units: digit}
edges: [image -> conv -> norm -> act -> drop -> flat -> scores]
train:
  loss: {type: cross_entropy, input: scores, target: digit, class_weights: balanced, label_smoothing: 0.1}
  optimizer: {type: sgd, lr: 0.05, momentum: 0.9, nesterov: true}
  batch_size: 7
  epochs: 2
  clip_norm: 1.0
  regularize: {l1: 1e-4, l2: 1e-3}
  accumulate: 2
metrics: [accuracy, f1]
"""
AGAIN = """\
nnrun: 1
name: computed_again
data: {source: {source: csv, file: data.csv}, fields: {image: {type: image, size: 8, channels: 1}, digit: {type: category}}}
nodes:
  towers:
    type: inception
    towers:
      - [{type: conv, filters: 3, kernel: 3, padding: same}, {type: batch_norm}, {type: dropout, rate: 0.3}]
      - [{type: conv, filters: 2, kernel: 1}]
    recompute: true
  flat: {type: flatten}
  scores: {type: linear, units: digit}
edges: [image -> towers -> flat -> scores]
train:
  loss: {type: cross_entropy, input: scores, target: digit}
  optimizer: {type: sgd, lr: 0.05}
  batch_size: 7
  epochs: 1
metrics: [accuracy]
"""
TWO_TARGETS = """\
nnrun: 1
name: two_targets
data: {source: {source: csv, file: data.csv}, fields: {x: {type: number}, y: {type: number}, up: {type: category}}}
nodes:
  hidden: {type: linear, units: 8, activation: tanh}
  norm: {type: batch_norm}
  value: {type: linear, units: 1}
  side: {type: linear, units: up}
edges: [x -> hidden -> norm -> value, norm -> side]
train:
  loss:
    - {type: huber, input: value, target: y}
    - {type: cross_entropy, input: side, target: up, weight: 0.3}
  optimizer: {type: sgd, lr: 0.05}
  batch_size: 5
  epochs: 3
  evaluate_every: 4
  early_stopping: {patience: 9}
metrics:
  - {type: max_error, input: value, target: y}
  - {type: r2, input: value, target: y}
  - {type: auroc, input: side, target: up}
"""
AGREEING = (
    TWO_TARGETS.replace("  optimizer:", "    - {type: mse, input: value, target: beside, weight: 0.1}\n  optimizer:")
    .replace("  side:", "  beside: {type: linear, units: 1}\n  side:")
    .replace("norm -> side]", "norm -> side, hidden -> beside]")
)
WEIGHED = WEIGHTS.replace("y: {type: number}", "y: {type: number, missing: skip}").replace("lr: 0.3", "lr: 0.02")
WEIGHED = WEIGHED.replace("batch_size: 1000", "batch_size: 7\n  accumulate: 2").replace("1500", "2")
POINTS = {
    "x": [number / 40 for number in range(78)],
    "y": [math.sin(number / 9) for number in range(78)],
    "up": [str(math.cos(number / 9) > 0) for number in range(78)],
}


@dataclass
class Trained:
    """What is left of a training."""

    said: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    """Figures by step, in order."""
    weights: dict[str, Tensor] = field(default_factory=dict)
    kept: list[tuple[bytes, bytes, int]] = field(default_factory=list)
    """Snapshots, and how much was said by then."""


PLAIN = Sgd(type="sgd", lr=0.05)
"""Others divide by the size of a gradient: where it is nothing but rounding, a weight would go one way or the other."""

Case = Callable[[], tuple[Plan, Dataset]]


def of_kind(text: str, columns: Mapping[str, Any] | None) -> tuple[Plan, Dataset]:
    return prepared(text.replace("epochs: 9", "epochs: 2"), columns if columns is not None else digits())


def of_gallery(name: str) -> tuple[Plan, Dataset]:
    """A spec of the gallery on made-up data, for a few steps."""
    checked, data = made_up(Job.read(ROOT / "specs" / f"{name}.yaml").checked)
    plan = checked.plan
    assert plan is not None
    short = {"steps": 3, "epochs": None, "evaluate_every": 3, "batch_size": min(SMALL, len(data.train)), "early_stopping": None}

    def brief(stage: Plan) -> Plan:
        assert stage.spec.train is not None
        steepest = max((loss.config.weight for loss in stage.losses if isinstance(loss.config, Loss)), default=1.0)
        plain = {"optimizer": PLAIN.model_copy(update={"lr": PLAIN.lr / steepest})} if stage.losses else {}
        return replace(stage, spec=stage.spec.at_stage(stage.spec.train.model_copy(update=short | plain)))

    return replace(brief(plan), stages=tuple(map(brief, plan.stages))), data


def divided(case: Case) -> tuple[Plan, Dataset]:
    """The same with weights of which each process holds a share."""
    plan, data = case()
    assert plan.spec.train is not None
    return replace(plan, spec=plan.spec.at_stage(plan.spec.train.model_copy(update={"parallel": "fsdp"}))), data


CASES: dict[str, Case] = {
    **{name: partial(of_kind, *kind) for name, kind in KINDS.items()},
    "images": partial(of_kind, IMAGES, None),
    "two targets": partial(of_kind, TWO_TARGETS, POINTS),
    "a node for a target": partial(of_kind, AGREEING, POINTS),
    "computed again": partial(of_kind, AGAIN, None),
    "gaps": partial(of_kind, GAPS.replace("epochs: 12", "epochs: 2"), table()),
    "weights": partial(of_kind, WEIGHED, {**weighed(), "y": [y if row % 3 else None for row, y in enumerate(weighed()["y"])]}),
    **{name: partial(of_gallery, name) for name in GALLERY},
}
DIVIDED = ", divided"
"""Behind the name of a case whose weights are divided among the processes."""
OF_THEM = (
    "dropout", "averaged weights", "images", "two targets", "computed again", "mlp_digits", "cnn_digits", "lstm_by_hand_sentiment",
    "coupled_cells", "translate_numbers",
)  # fmt: skip
CASES |= {f"{name}{DIVIDED}": partial(divided, CASES[name]) for name in OF_THEM}


def train(case: str, world: World = ALONE, start: Snapshot | None = None, keeps: bool = False) -> Trained:
    """Train in a world, from the beginning or from a snapshot."""
    plan, data = CASES[case]()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network, watch = Network(plan), Watch()
    keeper = Everything(watch.said) if keeps else None
    train_stages(network, plan, data, CPU, watch, watch, 10, keeper, start, world)
    said = [(item[0], {name: float(text) for name, text in item[1].items()}) for item in watch.said if isinstance(item[1], dict)]
    return Trained(said, {name: tensor.clone() for name, tensor in network.state_dict().items()}, keeper.kept if keeper else [])
