"""A training as the record sees it, in a process of its own, and what must be in MLflow afterwards.

`python -m tests.faults.recorded URI OUTBOX NAME POINTS SECONDS BYTES` records so many figures over some seconds and a file of so many
bytes, and prints how it ended. No torch: what is tried is the record.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from nnrun.runner.tracking.outbox import waiting
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.store import Store
from nnrun.runner.tracking.sync import sync
from tests.tracking.support import ROOT

KEY, FILE = "train/loss", "notes.bin"
PATIENCE = 180.0
"""Seconds until what was not delivered counts as lost."""

Process = subprocess.Popen[str]


def train(uri: str, outbox: Path, name: str, points: int, seconds: float, size: int) -> None:
    said: list[str] = []
    recorder = Recorder.start(Store(uri), outbox=outbox, say=said.append)
    recorder.open("faults", name, {"points": points}, {})
    longest = 0.0
    for step in range(points):
        began = time.monotonic()
        recorder.metrics(step, {KEY: step})
        longest = max(longest, time.monotonic() - began)
        time.sleep(seconds / points)
    recorder.artifact(FILE, name.encode().ljust(size, b"."))
    began = time.monotonic()
    delivered = recorder.finish("FINISHED")
    told = {"missing": delivered.missing, "message": delivered.message, "said": said}
    print(json.dumps({**told, "waited": time.monotonic() - began, "longest": longest, "folder": str(recorder.folder)}))


def start(store: Store, outbox: Path, name: str, points: int, seconds: float, size: int = 100, **more: str) -> Process:
    """A training in a process of its own; `more` is for its environment."""
    command = [sys.executable, "-m", "tests.faults.recorded", store.uri, str(outbox), name, str(points), str(seconds), str(size)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true", **more}
    return subprocess.Popen(command, cwd=outbox.parent, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: Process) -> dict[str, Any]:
    """What a training printed at its end; `error` if it broke off."""
    out, err = process.communicate(timeout=600)
    return dict(json.loads(out)) if process.returncode == 0 and out else {"error": err[-1500:]}


def deliver(outbox: Path) -> list[str]:
    """Deliver what is left as `nnrun sync` does, until nothing is, or patience ends; what it says at last."""
    said: list[str] = []
    end = time.monotonic() + PATIENCE
    while any(outbox.glob("*/start.json")) and time.monotonic() < end:
        if left := waiting(outbox):  # else a process of a training still delivers it
            said = [delivered.message for delivered in sync(left) if delivered.message]
        time.sleep(0.5)
    return said if any(outbox.glob("*/start.json")) else []


def wrong(store: Store, runs: Mapping[str, int]) -> Iterator[str]:
    """What is not as it should be in a store that must hold exactly these runs, each with so many figures, once each."""
    client = MlflowClient(store.uri)
    experiment = client.get_experiment_by_name("faults")
    found = [] if experiment is None else client.search_runs([experiment.experiment_id], max_results=1000)
    names = [run.info.run_name for run in found]
    yield from (f"{name}: {names.count(name)} runs" for name in runs if names.count(name) != 1)
    for run in found:
        name, points = run.info.run_name, runs.get(run.info.run_name)
        if points is None:
            continue
        values = sorted((point.step, point.value) for point in client.get_metric_history(run.info.run_id, KEY))
        if values != [(step, float(step)) for step in range(points)]:
            yield f"{name}: {len(values)} figures, where {points} were recorded"
        if run.info.status != "FINISHED":
            yield f"{name}: {run.info.status}"
        if not Path(client.download_artifacts(run.info.run_id, FILE)).read_bytes().startswith(name.encode()):
            yield f"{name}: its file is another"


def quiet() -> None:
    """Let MLflow neither draw bars nor tell of each database it makes; and let SIGTERM leave no server and no disk behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    logging.getLogger("mlflow").setLevel(logging.ERROR)


if __name__ == "__main__":
    train(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6]))
