"""Whole commands in several processes: they record one run, end together, and go on with others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mlflow import MlflowClient

from nnrun.runner.tracking.store import sqlite_uri
from tests.faults.victims import environment, write

LIMIT = 120.0
"""Seconds for a command."""

DIVIDED = ("--set", "train.parallel=fsdp")

LONG = ("--set", "train.epochs=400", "--set", "train.schedule=null")


def nnrun(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nnrun", *words]
    return subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=LIMIT, check=False)


@contextmanager
def started(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A command that has trained for three epochs, and the file of what it says."""
    said = folder / f"{words[0]}.txt"
    with said.open("w") as stream:
        command = [sys.executable, "-m", "nnrun", *words]
        process = subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=stream, stderr=stream, text=True)
    try:
        end = time.monotonic() + LIMIT
        while said.read_text().count("  epoch ") < 3:
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < end
            time.sleep(0.1)
        yield process, said
    finally:
        process.terminate()
        process.wait(timeout=60)


def members(parent: int) -> dict[int, int]:
    """The processes of a training by rank."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                variables = dict(line.partition("=")[::2] for line in (entry / "environ").read_text().split("\0"))
                status = (entry / "status").read_text()
            except OSError:  # it has just ended
                continue
            if f"PPid:\t{parent}\n" in status and "RANK" in variables:
                found[int(variables["RANK"])] = int(entry.name)
    return found


def runs(folder: Path) -> dict[str, str]:
    """Status by run of the store."""
    found = MlflowClient(sqlite_uri(folder / "mlflow.db")).search_runs(["1"])
    return {run.info.run_id: run.info.status for run in found}


def curve(folder: Path, run_id: str) -> dict[int, float]:
    history = MlflowClient(sqlite_uri(folder / "mlflow.db")).get_metric_history(run_id, "train/loss")
    return {point.step: point.value for point in history}


def test_two_processes_record_one_run_that_is_that_of_one(tmp_path: Path) -> None:
    spec = write(tmp_path, "lstm").name
    alone, both = nnrun(tmp_path, spec, "--json", "--quiet"), nnrun(tmp_path, spec, "--json", "--quiet", "--devices", "2")
    assert both.returncode == 0, both.stderr
    first, second = (json.loads(done.stdout) for done in (alone, both))

    assert len(runs(tmp_path)) == 2
    assert second["steps"] == first["steps"]
    assert curve(tmp_path, second["run_id"]) == pytest.approx(curve(tmp_path, first["run_id"]), rel=1e-3)
    known = nnrun(tmp_path, spec, "--once", "--json", "--quiet", "--devices", "2")
    assert known.returncode == 0, known.stderr
    assert json.loads(known.stdout)["known"]


def test_a_model_whose_weights_were_divided_answers(tmp_path: Path) -> None:
    spec = write(tmp_path, "lstm").name
    for _ in range(2):  # torch's gloo aborted once in seven starts of divided trainings on a loaded machine
        done = nnrun(tmp_path, spec, "--json", "--quiet", *DIVIDED, "--devices", "2")
        if "SIGABRT" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr
    alone = nnrun(tmp_path, spec, "--json", "--quiet")

    first, second = (json.loads(one.stdout) for one in (alone, done))
    assert second["figures"]["test/loss"] == pytest.approx(first["figures"]["test/loss"], rel=1e-3)
    asked = [nnrun(tmp_path, "predict", run["run_id"], "--input", "waves.csv", "--json") for run in (first, second)]
    assert [one.returncode for one in asked] == [0, 0], asked[1].stderr
    one, other = (json.loads(answers.stdout) for answers in asked)
    assert len(one) == len(other) > 0


@pytest.mark.parametrize(("size", "how"), [("1", ()), ("3", ()), ("1", DIVIDED)])
def test_a_process_that_is_killed_ends_all_and_others_go_on(tmp_path: Path, size: str, how: tuple[str, ...]) -> None:
    spec = write(tmp_path, "lstm").name
    with started(tmp_path, spec, *LONG, *how, "--devices", "2") as (command, said):
        processes = members(command.pid)
        assert sorted(processes) == [0, 1]
        began = time.monotonic()
        os.kill(processes[1], signal.SIGKILL)
        code = command.wait(timeout=30)

        assert time.monotonic() - began < 30
        assert code == 128 + signal.SIGKILL
        assert "process 2 of 2 was ended by SIGKILL, and the others with it" in said.read_text()
        assert "another of the 2 processes has ended, so process 1 ends too" in said.read_text()
        assert not any(Path(f"/proc/{process}").exists() for process in processes.values())
        (run,) = runs(tmp_path).items()
        assert run[1] == "KILLED"

    with started(tmp_path, "resume", "--devices", size) as (again, said):
        again.send_signal(signal.SIGINT)
        assert again.wait(timeout=30) == 128 + signal.SIGINT
        assert "goes on from step" in said.read_text()
        assert "continues" in said.read_text()
    assert list(runs(tmp_path).items()) == [run]  # which went on, and was stopped again
    assert max(curve(tmp_path, run[0])) > 3 * 44


def test_torchrun_starts_the_same(tmp_path: Path) -> None:
    spec = write(tmp_path, "lstm").name
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "nnrun"]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*torchrun, *words], cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=LIMIT, check=False
        )

    done = run(spec, "--set", "train.epochs=1", "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 44
    assert list(runs(tmp_path).values()) == ["FINISHED"]
    for words, said in {
        ("check", spec): "`check` cannot be shared by 2 processes; `run` and `resume` can",
        (spec, spec): "2 specs, and 2 processes that train together",
        (spec, "--set", "train.batch_size=1"): "`batch_size: 1` leaves some of 2 processes without an example",
    }.items():
        refused = run(*words)
        assert refused.returncode == 1
        assert said in refused.stderr


@pytest.mark.parametrize("how", [(), DIVIDED])
def test_a_training_that_diverges_names_the_node(tmp_path: Path, how: tuple[str, ...]) -> None:
    spec = write(tmp_path, "lstm").name
    diverged = nnrun(tmp_path, spec, "--set", "train.optimizer.lr=1e30", "--set", "train.clip_norm=null", *how, "--devices", "2")

    assert diverged.returncode == 3, diverged.stderr
    assert "is not a finite number" in diverged.stderr
    assert "`memory`" in diverged.stderr or "`out`" in diverged.stderr


def test_the_command_ends_as_its_first_process_does(tmp_path: Path) -> None:
    spec = write(tmp_path, "lstm").name
    missing = nnrun(tmp_path, spec, "--set", "data.source.file=nowhere.csv", "--devices", "2")
    wrong = nnrun(tmp_path, spec, "--devices", "many")
    small = nnrun(tmp_path, spec, "--set", "train.batch_size=1", "--devices", "2")

    assert missing.returncode in (1, 4), missing.stderr
    assert (small.returncode, small.stderr.count("leaves some of 2 processes without an example")) == (1, 1)
    assert "help: a larger batch, or fewer processes" in small.stderr
    assert wrong.returncode == 2
    assert "neither a number of processes" in wrong.stderr
