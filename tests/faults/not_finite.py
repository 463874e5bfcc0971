"""Numbers that are none, from data, values and gradients: `python -m tests.faults.not_finite [--count 100] [--seed 0]`.

A NaN or an infinity is put where the draw says: into a cell of a file, into a node whose value or whose slope is none for one row of the
data, so that it comes at any step. The run must stop before the weights are lost, name the node with its line in the spec (of data:
field and row), be FAILED in MLflow with the reason, and leave weights that are numbers.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from mlflow import MlflowClient
from rich.console import Console
from safetensors.torch import load_file

from nnrun.registry.fault import Fault
from nnrun.registry.field import DataError
from nnrun.runner.compiler.text.diagnostic import Place
from nnrun.runner.compiler.text.document import Document
from nnrun.runner.display import Display
from nnrun.runner.engine.training.diverged import Diverged
from nnrun.runner.job import Job
from nnrun.runner.run import run
from nnrun.runner.tracking.spawn import Sidecar
from nnrun.runner.tracking.store import Store

ROWS = 120

SPEC = """\
nnrun: 1
name: not_finite
data:
  source: {source}
  file: {file}
  fields:
    x: {{type: {kind}, {columns}}}
    y: {{type: {target}}}
  split: {{valid: 0.2, test: 0}}{window}
nodes:
{nodes}
  out: {{type: linear, units: 1}}
edges:
{edges}
train:
  loss: {{type: mse, input: out, target: {judged}}}
  optimizer: {{type: sgd, lr: 1e-3}}
  epochs: 4
  batch_size: 8
  evaluate_every: 5
  seed: {seed}
  {train}
"""

SLOPES = ("sqrt(abs(at))", "sqrt(at * at)", "(at * at) ** 0.25", "at * log(at * at) ** 0.5")
"""Numbers at 0, or nearly so, whose slope is none there."""

VALUES = ("1 / at", "log(abs(at))", "exp(1 / (at * at))", "at / at")
"""No numbers at 0."""

LOOPED = "0.5 * prev(bad) + "
TABLE = {"kind": "vector", "target": "number", "judged": "y", "window": ""}
SERIES = {"kind": "series", "target": "series", "judged": "y.next", "window": "\n  window: {length: 4}"}


@dataclass(frozen=True)
class Case:
    """Where a number is none: in the data, the value of a node, or its slope."""

    kind: str
    spec: str
    columns: dict[str, np.ndarray]
    file: str
    wanted: str
    """What the message names."""

    def __str__(self) -> str:
        return f"{self.kind}, {self.file}, {self.wanted}"


def drawn(seed: str) -> Case:
    draw = random.Random(seed)
    numbers = np.random.default_rng(draw.randrange(2**32))
    columns = {name: numbers.normal(size=ROWS) + 3 for name in ("a", "b", "y")}
    row, kind = draw.randrange(ROWS), draw.choice(("data", "value", "slope"))
    ending = draw.choice(("csv", "parquet", "npz"))
    if kind == "data":
        columns[draw.choice("aby")][row] = draw.choice((np.nan, np.inf, -np.inf))
        formula, wanted = "tanh(at)", {"csv": f"data.csv:{row + 2}"}.get(ending, f"row {row + 1}")
    else:
        rows = draw.sample(range(ROWS), 8)  # at least one is learned from
        columns["a"][rows] = columns["b"][rows] = 0.0
        formula, wanted = draw.choice(SLOPES if kind == "slope" else VALUES), "`bad`"
    looped = draw.random() < 0.4 and ending != "npz"  # whose arrays hold several values in a row
    nodes, edges = _nodes(draw, LOOPED + formula if looped else formula, "last" if looped else None)
    fields = "columns: [a, b]" if ending != "npz" else "column: a"
    train = draw.choice(("clip_norm: 1.0", "compile: 'off'", "precision: bf16", "regularize: {l2: 1e-4}"))
    form = SERIES if looped else TABLE
    spec = SPEC.format(
        source=ending, file=f"data.{ending}", columns=fields, nodes=nodes, edges=edges, train=train, seed=draw.randrange(9), **form
    )
    return Case(kind, spec, columns, f"data.{ending}", wanted)


def _nodes(draw: random.Random, formula: str, end: str | None) -> tuple[str, str]:
    """The faulty node reads a sum without a bias, which is 0 for the row of zeros; other nodes stand beside and behind it."""
    nodes = ["  at: {type: linear, units: 4, bias: false}", f"  bad: {{type: formula, is: {formula}}}"]
    before, path = [], "x"
    if draw.random() < 0.5:
        before, path = ["  drop: {type: dropout, rate: 0.1}"], "x -> drop"
    behind = draw.sample(["{type: linear, units: 5}", "{type: activation, function: relu}", "{type: layer_norm}"], draw.randrange(3))
    names = [f"n{number}" for number in range(len(behind))]
    nodes += [f"  {name}: {node}" for name, node in zip(names, behind, strict=True)]
    if end is not None:
        nodes.append(f"  end: {{type: {end}}}")
        names.append("end")
    edges = [f"  - {path} -> at", f"  - {' -> '.join(['bad', *names, 'out'])}"]
    if draw.random() < 0.5 and end is None:
        nodes.append("  beside: {type: linear, units: 3, activation: tanh}")
        edges.append("  - at -> beside -> out")
    return "\n".join(before + nodes), "\n".join(edges)


def written(case: Case, folder: Path) -> Path:
    """The spec, beside its data."""
    folder.mkdir()
    table = pd.DataFrame(case.columns)
    if case.file.endswith(".csv"):
        table.to_csv(folder / case.file, index=False)
    elif case.file.endswith(".parquet"):
        table.to_parquet(folder / case.file)
    else:
        a = table[["a", "b"]].to_numpy()
        np.savez(folder / case.file, a=a, y=case.columns["y"])
    (folder / "spec.yaml").write_text(case.spec, encoding="utf-8")
    return folder / "spec.yaml"


def outcome(case: Case, spec: Path, store: Store, sidecar: Sidecar) -> str | None:
    """What did not hold, or None."""
    job = Job.read(spec)
    try:
        run(job, store, Display(Console(stderr=True), quiet=True), sidecar=sidecar)
    except (DataError, Diverged) as fault:
        return _said(case, fault) or _recorded(case, fault, store)
    return "the training went on to its end"


def _said(case: Case, fault: Fault) -> str | None:
    if isinstance(fault, DataError) != (case.kind == "data") or case.wanted not in fault.message:
        return f"{type(fault).__name__}: {fault.message}"
    if isinstance(fault, Diverged):
        assert isinstance(fault.document, Document)
        line = fault.document.span(Place(fault.path or (), "key")).line
        if not case.spec.splitlines()[line - 1].startswith("  bad:"):
            return f"line {line}"
    return None


def _recorded(case: Case, fault: Fault, store: Store) -> str | None:
    """Of data nothing is recorded: no run was opened."""
    client = MlflowClient(store.uri)
    experiment = client.get_experiment_by_name("not_finite")
    runs = client.search_runs([experiment.experiment_id], order_by=["start_time DESC"], max_results=1) if experiment else []
    if case.kind == "data":
        return None
    newest = runs[0]
    if newest.info.status != "FAILED" or fault.message not in newest.data.tags.get("error", ""):
        return f"status {newest.info.status}, error {newest.data.tags.get('error')}"
    models = client.search_logged_models([experiment.experiment_id], filter_string=f"source_run_id = '{newest.info.run_id}'")
    weights = [file for model in models for file in Path(model.artifact_location.removeprefix("file://")).rglob("*.safetensors")]
    if not weights or not all(torch.isfinite(tensor).all() for file in weights for tensor in load_file(file).values()):
        return f"no weights are left, or none that are numbers: {weights}"
    return None


@contextmanager
def place() -> Iterator[tuple[Path, Store, Sidecar]]:
    """A folder with a store of its own, and the process that talks to it."""
    with tempfile.TemporaryDirectory() as name:
        os.environ |= {"XDG_STATE_HOME": f"{name}/state", "MLFLOW_DISABLE_TELEMETRY": "true"}
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        with Sidecar() as sidecar:
            yield Path(name), Store.from_environment(Path(name)), sidecar


def campaign(count: int, seed: int) -> int:
    """How many of so many cases held."""
    held, started = 0, time.monotonic()
    with place() as (folder, store, sidecar):
        for number in range(count):
            case = drawn(f"{seed} {number}")
            wrong = outcome(case, written(case, folder / str(number)), store, sidecar)
            held += wrong is None
            if wrong is not None:
                print(f"FAILED {number}: {case}: {wrong}\n{case.spec}", flush=True)
    print(f"{held} of {count} held, in {time.monotonic() - started:.0f} s")
    return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    sys.exit(0 if campaign(given.count, given.seed) == given.count else 1)


if __name__ == "__main__":
    main()
