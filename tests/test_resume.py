"""The command goes on with runs, trains them for longer, and refuses what would be another experiment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from nnrun.runner.tracking.store import sqlite_uri
from tests.faults.victims import environment, write
from tests.tracking.support import ROOT


def nnrun(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nnrun", *words]
    return subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of six epochs."""
    folder = tmp_path_factory.mktemp("finished")
    done = nnrun(folder, write(folder, "lstm").name, "--set", "train.schedule=null")
    assert done.returncode == 0, done.stderr
    assert "checkpoint " in done.stdout
    return folder


def called(folder: Path) -> str:
    """The four letters of the latest run."""
    return next(line for line in nnrun(folder, "clear").stdout.splitlines() if " · " in line).partition(" · ")[2][:4]


def test_a_finished_run_is_trained_for_longer_as_a_new_run_that_equals_one_long_run(finished: Path, tmp_path: Path) -> None:
    first = called(finished)
    longer = nnrun(finished, "resume", first, "--epochs", "8")
    assert longer.returncode == 0, longer.stderr
    assert "goes on from step 264" in longer.stderr
    whole = nnrun(tmp_path, write(tmp_path, "lstm").name, "--set", "train.schedule=null", "--set", "train.epochs=8")
    assert whole.returncode == 0, whole.stderr

    (new, _) = MlflowClient(sqlite_uri(finished / "mlflow.db")).search_runs(["1"])
    (other,) = MlflowClient(sqlite_uri(tmp_path / "mlflow.db")).search_runs(["1"])
    assert new.data.tags["continues"].endswith(f" · {first}")
    assert (new.data.params["train.epochs"], new.info.status) == ("8", "FINISHED")
    for figure in ("test/loss", "test/mae", "valid/loss"):
        assert new.data.metrics[figure] == other.data.metrics[figure]


def test_a_spec_that_names_no_epochs_trains_ten_and_then_more(tmp_path: Path) -> None:
    text = (ROOT / "specs" / "mlp_digits.yaml").read_text()
    spec = "".join(line for line in text.splitlines(keepends=True) if "epochs:" not in line and "early_stopping" not in line)
    (tmp_path / "spec.yaml").write_text(spec.replace("baseline: linear", "baseline: none"))
    assert nnrun(tmp_path, "spec.yaml").returncode == 0
    refused, longer = (nnrun(tmp_path, "resume", called(tmp_path), "--epochs", total) for total in ("10", "11"))

    assert "is not more" in refused.stderr
    assert longer.returncode == 0, longer.stderr
    assert "epoch  11" in longer.stderr
    assert "epoch  10" not in longer.stderr


def test_what_cannot_go_on_is_refused_in_words(finished: Path) -> None:
    name = called(finished)
    for words, said in {
        (): "no run was broken off",
        (name,): f"`nnrun resume {name} --epochs N` trains it for longer",
        (name, "--epochs", "6"): "is not more",
        (name, "--steps", "900"): "the spec counts `epochs`, not `steps`",
        ("nobody",): "nothing is kept on this machine of a run `nobody`",
    }.items():
        done = nnrun(finished, "resume", *words)
        assert done.returncode == 4, done.stderr
        assert said in done.stderr


def test_a_run_does_not_go_on_with_other_data_and_its_room_is_given_back(finished: Path) -> None:
    (finished / "waves.csv").write_text((finished / "waves.csv").read_text().replace("0.", "0.1", 1))
    done = nnrun(finished, "resume", called(finished), "--epochs", "9")

    assert done.returncode == 4, done.stderr
    assert "the data has changed since the checkpoint: it would be another experiment" in done.stderr
    assert "cleared" in nnrun(finished, "clear", "--all").stdout
    assert nnrun(finished, "clear").stdout == "nothing is kept\n"


def test_a_job_that_is_started_again_makes_no_second_run(tmp_path: Path) -> None:
    spec = write(tmp_path, "lstm").name
    first, again, other = (nnrun(tmp_path, spec, "--set", "train.epochs=1", "--job", key) for key in ("a", "a", "b"))

    assert [done.returncode for done in (first, again, other)] == [0, 0, 0], again.stderr
    assert again.stdout.startswith("run before, as ")
    assert {run.data.tags["job"] for run in MlflowClient(sqlite_uri(tmp_path / "mlflow.db")).search_runs(["1"])} == {"a", "b"}
    assert len(MlflowClient(sqlite_uri(tmp_path / "mlflow.db")).search_runs(["1"])) == 2
