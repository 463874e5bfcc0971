"""Several specs in one command share imports and the process that talks to MLflow; each run is what it is alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlflow import MlflowClient

from tests.tracking.support import ROOT, copied, wait_until

SPECS = [str(ROOT / "specs" / f"{name}.yaml") for name in ("cnn_digits", "lstm_by_hand_sentiment", "mlp_digits")]
SHORT = ["--set", "train.epochs=1", "--set", "track.baseline=none", "--set", "data.split.train=0.1", "--quiet", "--json"]


def runs(folder: Path, *specs: str) -> list[dict[str, Any]]:
    """What a command says of its runs, in a process of its own."""
    folder.mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state")}
    command = [sys.executable, "-m", "nnrun", *specs, *SHORT]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    return said if isinstance(said, list) else [said]


def figures(said: dict[str, Any]) -> dict[str, float]:
    """All but those of the clock."""
    return {name: value for name, value in said["figures"].items() if not name.startswith("system/")}


def test_runs_of_one_command_are_those_of_three(tmp_path: Path) -> None:
    together = runs(tmp_path / "together", *SPECS)
    alone = [said for number, spec in enumerate(SPECS) for said in runs(tmp_path / str(number), spec)]

    assert [figures(said) for said in together] == [figures(said) for said in alone]
    assert all(said["delivered"] for said in together)
    assert len({said["run_id"] for said in together}) == 3


class Command:
    """A command on the specs a, b and c that goes on; the one of b takes very long."""

    def __init__(self, folder: Path, template: Path, b: tuple[str, str] = ("epochs: 1", "epochs: 100000")) -> None:
        self.folder, self.store = folder, copied(template, folder)
        text = (ROOT / "specs" / "mlp_digits.yaml").read_text()
        for old, new in (
            ("epochs: 40", "epochs: 1"),
            ("  early_stopping: {monitor: valid/accuracy, patience: 10}\n", ""),
            (": linear}", ": none}"),
        ):
            assert old in text
            text = text.replace(old, new)
        for name in "abc":
            changed = text.replace(*b) if name == "b" else text
            (folder / f"{name}.yaml").write_text(changed.replace("name: mlp_digits", f"name: {name}"))
        environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state")}
        command = [sys.executable, "-m", "nnrun", "a.yaml", "b.yaml", "c.yaml", "--json"]
        with (folder / "said").open("w") as said, (folder / "complaints").open("w") as complaints:
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=complaints, start_new_session=True)

    def wait_for_b(self) -> None:
        wait_until(lambda: "before training" in (self.folder / "complaints").read_text().partition("b: ")[2])

    @property
    def worker(self) -> int:
        """The process that runs the specs."""
        (found,) = (child.pid for child in psutil.Process(self.process.pid).children() if "spawn_main" in " ".join(child.cmdline()))
        return found

    def end(self) -> tuple[int, list[dict[str, Any]]]:
        """The exit code, and what was said of each run."""
        code = self.process.wait(timeout=120)
        return code, json.loads((self.folder / "said").read_text())

    def status(self, name: str) -> list[str]:
        """Of the runs of a spec in the store."""
        client = MlflowClient(self.store.uri)
        experiment = client.get_experiment_by_name(name)
        return [run.info.status for run in client.search_runs([experiment.experiment_id])] if experiment is not None else []


def test_a_process_that_dies_takes_its_own_run_alone_with_it(tmp_path: Path, template: Path) -> None:
    command = Command(tmp_path, template)
    command.wait_for_b()
    first = command.worker
    os.kill(first, signal.SIGKILL)

    code, (a, b, c) = command.end()

    assert code == 3
    assert b == {"spec": "b.yaml", "error": "failed", "message": "its process was ended by SIGKILL"}
    assert [one["delivered"] for one in (a, c)] == [True, True]
    wait_until(lambda: command.status("b") == ["KILLED"])
    assert [command.status(name) for name in "ac"] == [["FINISHED"], ["FINISHED"]]
    assert "`b.yaml`: its process was ended by SIGKILL; `nnrun resume` goes on with its run" in (tmp_path / "complaints").read_text()


def test_a_run_that_fails_stops_no_other_one(tmp_path: Path, template: Path) -> None:
    code, (a, b, c) = Command(tmp_path, template, ("lr: 2e-3", "lr: 1e30")).end()

    assert code == 3
    assert (b["spec"], b["error"], b["id"]) == ("b.yaml", "failed", "diverged")
    assert [one["delivered"] for one in (a, c)] == [True, True]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_under_way_and_begins_no_other_one(tmp_path: Path, template: Path, number: signal.Signals) -> None:
    command = Command(tmp_path, template)
    command.wait_for_b()
    worker = command.worker
    os.killpg(command.process.pid, number)  # as a terminal does

    code, said = command.end()

    assert code == 128 + number
    assert [one["spec"] for one in said] == ["a.yaml", "b.yaml"]
    assert not psutil.pid_exists(worker)
    assert (command.status("b"), command.status("c")) == (["KILLED"], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_first_run_begins_none(tmp_path: Path, template: Path, number: signal.Signals) -> None:
    command = Command(tmp_path, template)
    wait_until(lambda: any("spawn_main" in " ".join(child.cmdline()) for child in psutil.Process(command.process.pid).children()))
    os.killpg(command.process.pid, number)

    assert command.process.wait(timeout=60) == 128 + number
    assert [command.status(name) for name in "bc"] == [[], []]
    assert "its process" not in (tmp_path / "complaints").read_text()


def test_without_the_command_its_process_ends_too(tmp_path: Path, template: Path) -> None:
    command = Command(tmp_path, template)
    command.wait_for_b()
    worker = command.worker
    command.process.kill()
    command.process.wait()

    wait_until(lambda: not psutil.pid_exists(worker))
    wait_until(lambda: command.status("b") == ["KILLED"])
