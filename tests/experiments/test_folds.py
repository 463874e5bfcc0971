"""Cross-validation for real: a run a fold, one above them, and going on after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from nnrun.runner.tracking.known import FOLD, FOLDS, KIND, PARENT
from tests.tracking.support import ROOT, copied, wait_until

SPEC = """\
nnrun: 1
name: folded
data:
  source: digits
  fields: {image: {type: image}, digit: {type: category}}
  split: {folds: 3, valid: 0.1}
nodes: {flat: {type: flatten}, scores: {type: linear, units: digit}}
edges: [image -> flat -> scores]
train: {loss: {type: cross_entropy, input: scores, target: digit}, batch_size: 64, epochs: EPOCHS}
metrics: [accuracy]
"""


class Folder:
    """A place with a spec and a store."""

    def __init__(self, path: Path, template: Path, epochs: int = 2) -> None:
        self.path = path
        self.store = copied(template, path)
        (path / "folded.yaml").write_text(SPEC.replace("EPOCHS", str(epochs)))

    def start(self, *words: str) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(self.path / "state")}
        command = [sys.executable, "-m", "nnrun", "folded.yaml", "--quiet", "--json", *words]
        return subprocess.Popen(command, cwd=self.path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def said(self, *words: str) -> dict[str, Any]:
        done = self.start(*words)
        out, errors = done.communicate(timeout=120)
        assert done.returncode == 0, errors
        said: dict[str, Any] = json.loads(out)
        return said

    @property
    def runs(self) -> list[Run]:
        client = MlflowClient(self.store.uri)
        known = client.get_experiment_by_name("folded")
        return list(client.search_runs([known.experiment_id])) if known is not None else []

    @property
    def parents(self) -> list[Run]:
        return [run for run in self.runs if run.data.tags.get(KIND) == FOLDS]

    @property
    def folds(self) -> list[Run]:
        return sorted((run for run in self.runs if FOLD in run.data.tags), key=lambda run: str(run.data.tags[FOLD]))


@pytest.fixture(scope="module")
def folder(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    made = Folder(tmp_path_factory.mktemp("folds"), template)
    (made.path / "said.json").write_text(json.dumps(made.said()))
    return made


def test_each_fold_is_a_run_below_one_with_mean_and_spread(folder: Folder) -> None:
    said = json.loads((folder.path / "said.json").read_text())
    (parent,) = folder.parents
    assert said["run_id"] == parent.info.run_id
    assert parent.info.status == "FINISHED"
    assert [run.data.tags[FOLD] for run in folder.folds] == ["1", "2", "3"]
    assert {run.data.tags[PARENT] for run in folder.folds} == {parent.info.run_id}
    assert [run.data.params["data.split.fold"] for run in folder.folds] == ["1", "2", "3"]
    accuracies = [run.data.metrics["test/accuracy"] for run in folder.folds]
    assert parent.data.metrics["test/accuracy"] == pytest.approx(fmean(accuracies))
    assert parent.data.metrics["test/accuracy_sd"] == pytest.approx(stdev(accuracies))
    assert said["figures"]["test/accuracy"] == pytest.approx(fmean(accuracies))
    assert [row["figures"]["test/accuracy"] for row in said["folds"]] == accuracies
    assert said["delivered"]
    assert parent.data.params["data.split.folds"] == "3"
    note = parent.data.tags["mlflow.note.content"]
    assert note.startswith(f"**test/accuracy {fmean(accuracies):.4f} ± {stdev(accuracies):.4f} over 3 of 3 folds, the baseline 0.1")


def test_every_example_is_tested_once(folder: Folder) -> None:
    rows = [table for run in folder.folds for table in _tested(folder, run)]
    assert sorted(rows) == list(range(1, 1798))


def _tested(folder: Folder, run: Run) -> list[int]:
    from pyarrow import parquet

    path = MlflowClient(folder.store.uri).download_artifacts(run.info.run_id, "predictions.parquet")
    return [int(row) for row in parquet.read_table(path)["row"].to_pylist()]


def test_a_fold_is_compared_with_no_other(folder: Folder) -> None:
    assert all("previous" not in (run.data.tags.get("mlflow.note.content") or "") for run in folder.folds)


def test_a_fold_alone_is_the_same_as_in_the_row(folder: Folder) -> None:
    alone = folder.said("--set", "data.split.fold=2")
    assert alone["figures"]["test/accuracy"] == folder.folds[1].data.metrics["test/accuracy"]
    assert FOLD not in next(run for run in folder.runs if run.info.run_id == alone["run_id"]).data.tags


def test_what_was_killed_goes_on_with_the_same_command(template: Path, tmp_path: Path) -> None:
    place = Folder(tmp_path, template, epochs=150)
    command = place.start()
    wait_until(lambda: len(place.folds) == 2 and place.folds[0].info.status == "FINISHED", seconds=90)
    os.kill(command.pid, signal.SIGKILL)
    command.communicate()
    first = place.folds[0].data.metrics["test/accuracy"]

    said = place.said()
    (parent,) = place.parents
    assert parent.info.status == "FINISHED"
    finished = [run for run in place.folds if run.info.status == "FINISHED"]
    assert [run.data.tags[FOLD] for run in finished] == ["1", "2", "3"]
    assert len(place.folds) == 3  # the second went on in its own run
    assert said["folds"][0]["known"]
    assert said["folds"][0]["figures"]["test/accuracy"] == first
    assert said["figures"]["test/accuracy"] == pytest.approx(fmean(run.data.metrics["test/accuracy"] for run in finished))


@pytest.mark.parametrize("words", [["--job", "7"], ["--devices", "2"]])
def test_folds_are_no_one_run(template: Path, tmp_path: Path, words: list[str]) -> None:
    command = Folder(tmp_path, template).start(*words)
    _, errors = command.communicate(timeout=120)
    assert command.returncode == 2
    assert "`--set data.split.fold=1` is the first of them" in errors


def test_from_python_one_of_the_folds_is_to_be_named() -> None:
    import nnrun
    from nnrun.registry.field import DataError

    with pytest.raises(DataError, match="this needs one of them"):
        nnrun.run(SPEC.replace("EPOCHS", "1"), quiet=True)
