"""Small sweeps in processes of their own, and what became of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from mlflow import MlflowClient
from mlflow.entities import Run
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from nnrun.runner.tracking.store import sqlite_uri
from tests.tracking.support import ROOT

SMALL = """\
nnrun: 1
name: small
data:
  source: digits
  fields: {image: {type: image}, digit: {type: category}}
nodes:
  flat: {type: flatten}
  hidden: {type: linear, units: 8, activation: relu}
  scores: {type: linear, units: digit}
edges:
  - image -> flat -> hidden -> scores
train:
  loss: {type: cross_entropy, input: scores, target: digit}
  optimizer: {type: adam, lr: 1e-2}
  steps: STEPS
metrics: [accuracy]
track: {baseline: none, model: false}
sweep:
"""


def small(sweep: str, steps: int = 20) -> str:
    """A spec with a sweep, given as the lines below `sweep`."""
    return SMALL.replace("STEPS", str(steps)) + "".join(f"  {line}\n" for line in sweep.strip().splitlines())


def start(folder: Path, *words: str, verb: str = "sweep") -> subprocess.Popen[str]:
    """`nnrun sweep`, or another verb, in a folder, as a process of its own."""
    command = [sys.executable, "-m", "nnrun", verb, *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state"), "MLFLOW_DISABLE_TELEMETRY": "true"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def call(folder: Path, *words: str, verb: str = "sweep") -> subprocess.CompletedProcess[str]:
    """The same, waited for."""
    process = start(folder, *words, verb=verb)
    out, err = process.communicate(timeout=280)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@dataclass(frozen=True)
class Kept:
    """What Optuna's file and MLflow hold of the one sweep of a folder."""

    folder: Path

    @property
    def journal(self) -> Path:
        (file,) = (self.folder / "sweeps").glob("*.journal")
        return file

    @property
    def trials(self) -> list[FrozenTrial]:
        storage = JournalStorage(JournalFileBackend(str(self.journal)))
        names = optuna.get_all_study_names(storage)  # none, where the file has just been made
        return optuna.load_study(study_name=names[0], storage=storage).trials if names else []

    @property
    def finished(self) -> list[int]:
        return [trial.number for trial in self.trials if trial.state == TrialState.COMPLETE]

    @property
    def values(self) -> dict[int, float | None]:
        """What each trial is worth."""
        return {trial.number: trial.value for trial in self.trials}

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(sqlite_uri(self.folder / "mlflow.db"))

    @property
    def runs(self) -> list[Run]:
        experiments = [str(experiment.experiment_id) for experiment in self.client.search_experiments()]
        return list(self.client.search_runs(experiments, max_results=1000, order_by=["attributes.start_time ASC"]))

    @property
    def parent(self) -> Run:
        (run,) = (run for run in self.runs if "sweep" in run.data.tags)
        return run

    @property
    def children(self) -> list[Run]:
        return [run for run in self.runs if run.data.tags.get("mlflow.parentRunId") == self.parent.info.run_id]

    @property
    def finished_runs(self) -> list[int]:
        """The trial of each finished run."""
        return sorted(int(run.data.tags["trial"]) for run in self.children if run.info.status == "FINISHED")

    def table(self) -> list[dict[str, Any]]:
        """The table of all trials that the sweep's run keeps."""
        table = json.loads(Path(self.client.download_artifacts(self.parent.info.run_id, "trials.json")).read_text())
        return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def children_of(pid: int) -> Iterator[int]:
    """The processes that a process has started, its workers among them."""
    try:
        yield from map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    except FileNotFoundError:  # it has ended
        return


def workers_of(pid: int) -> list[int]:
    return [child for child in children_of(pid) if b"spawn_main" in _command(child)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def wait_for_worker(process: subprocess.Popen[str], seconds: float = 60.0) -> int:
    """The process of a worker, as soon as there is one."""
    end = time.monotonic() + seconds
    while not (found := workers_of(process.pid)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "no worker has started"
        time.sleep(0.05)
    return found[0]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
