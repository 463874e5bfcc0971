"""Verbs end with a line and a code where the store or the disk refuses, never in a traceback."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from mlflow.exceptions import MlflowException

from nnrun.runner.cli.group import MLFLOW, main
from nnrun.runner.cli.world import told
from tests.tracking.support import ROOT, copied

NOBODY = "http://me:hidden@127.0.0.1:9"
"""A server that refuses: no one listens there."""

DIGITS = str(ROOT / "specs" / "mlp_digits.yaml")

ASKING = {
    "predict": ["predict", "iris", "--input", "rows.csv"],
    "generate": ["generate", "iris"],
    "runs": ["runs"],
    "runs of an experiment": ["runs", "iris"],
    "compare": ["compare", "one", "two"],
    "diff": ["diff", "one", "two"],
    "ui": ["ui", DIGITS, "--no-browser"],
}


@pytest.fixture(autouse=True)
def _impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name, value in MLFLOW.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr("nnrun.runner.tracking.trouble.patience.SILENCE", 0.5)
    monkeypatch.setattr("nnrun.runner.tracking.ending.HUSH", 0.0)  # with so little patience the word must not wait for longer


def call(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def is_told(result: Result) -> bool:
    """Whether a command ended with a finding, and without an exception that nobody had foreseen."""
    return result.stderr.count("error[") == 1 and "hidden" not in result.output and isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("words", ASKING.values(), ids=ASKING)
def test_a_server_that_refuses_is_missing(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    result = call(*words)

    assert (result.exit_code, is_told(result)) == (4, True), result.output
    assert "MLflow at `http://127.0.0.1:9` does not answer as it should: connection refused" in result.stderr


@pytest.mark.parametrize("words", [["predict", "iris", "--input", "rows.csv"], ["runs"], ["compare", "one", "two"]])
def test_a_database_that_is_none_is_missing(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("this is no database, but a text that is long enough to be looked at")
    result = call(*words)

    assert (result.exit_code, is_told(result)) == (4, True), result.output
    assert "file is not a database" in result.stderr


def test_a_database_of_another_mlflow_is_missing(tmp_path: Path, template: Path) -> None:
    database = copied(template, tmp_path).database
    assert database is not None
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '3500859a5d39'")
    connection.close()
    result = call("runs")

    assert (result.exit_code, is_told(result)) == (4, True), result.output
    assert "out-of-date database schema" in result.stderr


def test_a_run_whose_record_is_not_in_the_store_ends_with_a_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    result = call("run", DIGITS, "--json", "--set", "train.epochs=1", "--set", "track.baseline=none")

    assert result.exit_code == 5, result.output
    assert json.loads(result.stdout)["delivered"] is False
    assert "waiting for MLflow at `http://127.0.0.1:9`" in result.stderr


def test_a_disk_that_is_full_is_told_with_what_to_do() -> None:
    fault = told(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "answers.csv"))

    assert fault is not None
    assert fault.message == "there is no room for `answers.csv`: no space left on device"
    assert "XDG_STATE_HOME" in str(fault.help)


def test_a_file_that_may_not_be_read_is_told() -> None:
    fault = told(PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/root/mlflow.db"))

    assert fault is not None
    assert fault.message == "`/root/mlflow.db` cannot be used: permission denied"


@pytest.mark.parametrize("error", [ValueError("ours"), FileNotFoundError(errno.ENOENT, "not there", "ours.txt"), KeyError("ours")])
def test_a_mistake_of_ours_keeps_its_traceback(error: Exception) -> None:
    assert told(error) is None


def test_what_mlflow_says_is_told_without_passwords() -> None:
    fault = told(MlflowException("API request to http://me:hidden@host/api failed with error code 403"))

    assert fault is not None
    assert "hidden" not in fault.message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here that is always full")
def test_an_output_that_is_full_is_told() -> None:
    import subprocess
    import sys

    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "nnrun", "schema"], stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False
        )

    assert (done.returncode, "Traceback" in done.stderr) == (4, False), done.stderr
    assert "there is no room on a disk" in done.stderr
