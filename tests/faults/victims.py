"""Small trainings of every kind, to be killed: what they are, and all that is left of one when it is over."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LSTM = """\
nnrun: 1
name: lstm
data:
  source: {source: csv, file: waves.csv}
  fields: {x: {type: series}}
  window: {length: 20}
nodes:
  memory: {type: lstm, units: 24}
  drop: {type: dropout, rate: 0.3}
  out: {type: linear, units: 1}
edges: [x -> memory -> drop -> out]
train:
  loss: {type: mse, input: out, target: x}
  optimizer: {type: adamw, lr: 0.005}
  schedule: {type: cosine}
  batch_size: 16
  epochs: 6
  clip_norm: 1.0
  checkpoint: {every: 0.3s, steps: 70}
metrics: [{type: mae, input: out, target: x}]
"""
BY_HAND = """\
nnrun: 1
name: by_hand
data:
  source: {source: csv, file: waves.csv}
  fields: {x: {type: series}}
  window: {length: 20, stride: 20}
nodes:
  z: {type: linear, units: 16, activation: sigmoid}
  g: {type: linear, units: 16, activation: tanh}
  h: {type: formula, is: "(1 - z) * prev(h) + z * g"}
  out: {type: linear, units: 1}
edges:
  - x, prev(h) -> z, g
  - h -> out
train:
  loss: {type: mse, input: out, target: x}
  optimizer: {type: rmsprop, lr: 0.003}
  batch_size: 4
  epochs: 60
  carry_state: true
  early_stopping: {monitor: valid/loss, patience: 12}
  checkpoint: {every: 0.3s, steps: 90}
"""
MACHINE = """\
nnrun: 1
name: machine
data: {source: {source: bars_and_stripes, side: 3}, fields: {image: {type: image}}}
nodes:
  visible: {type: binary_units}
  hidden: {type: binary_units, units: 8}
edges: [image -> visible, visible <-> hidden]
train:
  learner: {type: contrastive_divergence, steps: 2, persistent: true, chains: 20}
  optimizer: {type: sgd, lr: 0.05, momentum: 0.5}
  batch_size: 7
  epochs: 800
  evaluate_every: 100
  checkpoint: {every: 0.3s, steps: 150}
"""
STAGES = """\
nnrun: 1
name: stages
data:
  source: {source: digits}
  fields: {image: {type: image, binarize: 0.5, augment: {shift: 1}}, digit: {type: category}}
nodes:
  visible: {type: binary_units}
  hidden: {type: binary_units, units: 10}
  scores: {type: linear, units: digit}
edges: [image -> visible, visible <-> hidden, hidden -> scores]
train:
  - learner: {type: contrastive_divergence, steps: 1}
    nodes: [visible, hidden]
    optimizer: {type: sgd, lr: 0.1}
    epochs: 3
    batch_size: 32
    checkpoint: {every: 0.3s, steps: 30}
  - loss: {type: cross_entropy, input: scores, target: digit}
    nodes: [scores]
    optimizer: {type: adam, lr: 0.01}
    epochs: 4
    batch_size: 32
    checkpoint: {every: 0.3s, steps: 50}
metrics: [{type: accuracy, input: scores, target: digit}]
"""
KINDS = {"lstm": LSTM, "loop by hand": BY_HAND, "restricted machine": MACHINE, "stages": STAGES}


def write(folder: Path, kind: str) -> Path:
    """A victim's spec and data, in a folder of its own; the path of the spec."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{math.sin(t / 7) * math.cos(t / 31):.6f}" for t in range(900)]
    (folder / "waves.csv").write_text("x\n" + "\n".join(rows) + "\n")
    (folder / "spec.yaml").write_text(KINDS[kind])
    return folder / "spec.yaml"


@dataclass(frozen=True)
class Left:
    """What is left of a run that is over."""

    status: str
    figures: list[tuple[str, int, float | None]]
    """(key, step, value) of every point in MLflow but those of the clock, in order; None for NaN."""
    pictures: list[tuple[str, int]]
    models: int
    state: Mapping[str, Any]
    """The last checkpoint without what the clock says."""
    tensors: bytes

    def differences(self, other: Left) -> list[str]:
        """In what it differs from another."""
        plain = ("status", "pictures", "models")
        found = [
            f"{name}: {getattr(self, name)}, not {getattr(other, name)}" for name in plain if getattr(self, name) != getattr(other, name)
        ]
        if self.figures != other.figures:
            ours, theirs = set(self.figures), set(other.figures)
            found.append(f"figures: {len(self.figures)} and {len(other.figures)}, {sorted(ours ^ theirs, key=str)[:6]}")
        return found + [f"{name} differs" for name in ("state", "tensors") if getattr(self, name) != getattr(other, name)]


def left(folder: Path) -> Left:
    """What the one run of a folder has left behind, in `mlflow.db` and in `state`."""
    wait_for_delivery(folder)
    with sqlite3.connect(folder / "mlflow.db") as store:
        runs = store.execute("select run_uuid, status from runs").fetchall()
        assert len(runs) == 1, f"{len(runs)} runs"
        points = store.execute("select key, step, value, is_nan from metrics where key not like 'system/%'").fetchall()
        models = store.execute("select count(*) from logged_models").fetchone()[0]
    figures = sorted(((key, step, None if nan else value) for key, step, value, nan in points), key=str)
    images = [path.name for path in folder.glob("mlruns/*/*/artifacts/images/*.png")]
    pictures = sorted((name.split("+")[0], int(name.split("+")[2])) for name in images)
    (checkpoint,) = sorted(folder.glob("state/nnrun/outbox/kept/*/checkpoints/*"))[-1:]
    state = _timeless(json.loads((checkpoint / "state.json").read_text()))
    return Left(runs[0][1], figures, pictures, models, state, (checkpoint / "tensors.safetensors").read_bytes())


def has_begun(folder: Path) -> bool:
    """Whether there is a run in a folder that can go on, delivered or not."""
    return any(list(folder.glob(f"state/nnrun/outbox/{place}/job.json")) for place in ("*", "kept/*", "*"))  # it may be moved meanwhile


def wait_for_delivery(folder: Path, within: float = 60.0) -> None:
    """Wait until MLflow has all of the run: its folder then lies among the kept ones."""
    end = time.monotonic() + within
    while not list(folder.glob("state/nnrun/outbox/kept/*/job.json")):
        assert time.monotonic() < end, f"not delivered within {within:.0f} s"
        time.sleep(0.05)


CLOCKED = ("seconds", "system/examples_per_second", "journal")


def _timeless(value: Any) -> Any:
    """A packed value without what the clock says."""
    if isinstance(value, dict) and "mapping" in value:
        return {"mapping": [[key, _timeless(item)] for key, item in value["mapping"] if key not in CLOCKED]}
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items()}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def environment(folder: Path) -> dict[str, str]:
    """For a process that has all it writes in one folder."""
    return {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_TRACKING_URI": ""}
