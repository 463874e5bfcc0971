"""Sweeps on a real Ray, of which some nodes are killed."""

from __future__ import annotations

import json
import signal
import sys
import time
from importlib import util
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from optuna.trial import TrialState

from nnrun.runner.cli import main
from tests.cluster import ray_job
from tests.cluster.ray_sweep import show, two_nodes
from tests.experiments.support import Kept, call, small, start
from tests.tracking.support import copied, wait_until

ONE = "search: {type: random, trials: 1}\nover: {train.optimizer.lr: {log: [1e-3, 1e-1]}}"


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    copied(template, tmp_path)
    (tmp_path / "small.yaml").write_text(small(ONE))
    return tmp_path


def test_a_killed_node_loses_no_trial_and_makes_none_twice(tmp_path: Path) -> None:
    for attempt in ("first", "second"):  # the node may have been between two trials
        (tmp_path / attempt).mkdir()
        wrong = list(show(tmp_path / attempt, trials=6, steps=1000).wrong())
        if not wrong:
            break

    assert wrong == []


def test_a_ray_of_this_machine_prunes_as_processes_do_and_prints_json_alone(folder: Path) -> None:
    sweep = "search: grid\nprune: {wait: 1, trials: 1}\nover: {train.optimizer.lr: [0.01, 1.0e-6]}"
    (folder / "small.yaml").write_text(small(sweep, steps=200).replace("steps: 200", "steps: 200\n  evaluate_every: 20"))
    done = call(folder, "small.yaml", "--on", "ray", "--address", "local", "--workers", "1", "--json")
    kept = Kept(folder)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["best"]["trial"] == 0
    assert [trial.state for trial in kept.trials] == [TrialState.COMPLETE, TrialState.PRUNED]


def test_a_stopped_sweep_ends_the_runs_of_its_nodes(folder: Path) -> None:
    (folder / "small.yaml").write_text(small(ONE, 100_000))
    process = start(folder, "small.yaml", "--on", "ray", "--address", "local")
    wait_until(lambda: any("train/loss" in run.data.metrics for run in Kept(folder).runs), 120)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 143
    assert "the same command goes on" in err
    assert "Traceback" not in err
    assert [run.info.status for run in Kept(folder).runs] == ["KILLED", "KILLED"]


def test_nodes_of_other_machines_are_refused_where_the_store_is_of_this_one(folder: Path) -> None:
    with two_nodes(folder, second="127.0.0.2") as (address, *_):
        done = call(folder, "small.yaml", "--on", "ray", "--address", address)

    assert done.returncode == 4
    assert "error[no-ray]: Ray has nodes on other machines (127.0.0.2), which do not reach the store `sqlite://" in done.stderr


def test_a_node_without_the_folder_is_told(tmp_path: Path) -> None:
    from nnrun.runner.launch.surroundings import Surroundings

    assert Surroundings(str(tmp_path), version("nnrun"), {}).missing() is None
    assert Surroundings(str(tmp_path / "none"), version("nnrun"), {}).missing() == f"has no folder `{tmp_path}/none`"
    assert str(Surroundings(str(tmp_path), "0.1", {}).missing()).endswith("and 0.1 is wanted")


def test_an_address_where_nobody_answers_is_told_at_once(folder: Path) -> None:
    began = time.monotonic()
    done = call(folder, "small.yaml", "--on", "ray", "--address", "127.0.0.1:9")

    assert done.returncode == 4
    assert "error[no-ray]: Ray at `127.0.0.1:9` does not answer: connection refused" in done.stderr
    assert time.monotonic() - began < 30


def test_without_ray_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("nnrun.runner.cli.experiments.find_spec", lambda name: None if name == "ray" else util.find_spec(name))
    result = CliRunner().invoke(main, ["sweep", "small.yaml", "--on", "ray"])

    assert result.exit_code == 4
    assert 'error[no-ray]: `--on ray` needs the package ray, which is not installed\n  = help: pip install "nnrun[ray]"' in result.stderr
    assert not (folder / "sweeps").exists()


def test_an_address_without_ray_is_wrong_usage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(main, ["sweep", "small.yaml", "--address", "10.0.0.1:6379"])

    assert result.exit_code == 2
    assert "`--on ray` is not given" in result.stderr


def submit(*words: str) -> Result:
    return CliRunner().invoke(main, ["submit", "small.yaml", "--on", "ray", *words])


def test_a_dry_run_prints_the_job(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "mellon")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://runs.example.org:5000")
    said = submit("--nodes", "2", "--devices", "4", "--seed", "7", "--address", "http://10.0.0.1:8265", "--dry-run")

    assert said.exit_code == 0, said.output
    told, _, command = said.stdout.partition("ray job submit --no-wait --submission-id ")
    job, _, rest = command.partition(" ")
    assert "MLFLOW_TRACKING_URI=http://runs.example.org:5000 " in told
    assert "mellon" not in told
    assert rest.split() == [
        *("--address", "http://10.0.0.1:8265", "--", "\\", sys.executable, "-m", "nnrun.runner.launch.gang"),
        *("--nodes", "2", "--processes", "4", "--cpus", "1", "--device", "auto", "--folder", str(folder), "--"),
        *(sys.executable, "-m", "nnrun", "run", "small.yaml", "--set", "train.seed=7", "--job", job),
    ]


@pytest.mark.parametrize(
    ("words", "variables", "code", "wanted"),
    [
        (("--time", "8:00:00"), {}, 2, "`--time` goes with `--on slurm`"),
        (("--nodes", "2"), {}, 4, "2 nodes do not all reach the store `sqlite:///"),
        (("--address", "http://10.0.0.1:8265"), {}, 4, "the cluster of `http://10.0.0.1:8265` does not reach the store `sqlite:///"),
        ((), {"MLFLOW_TRACKING_URI": "http://me:mellon@runs.example.org"}, 4, "Ray would show the store's user and password"),
        (("--address", "http://127.0.0.1:9"), {}, 4, "Ray does not take the job: Failed to connect to Ray at address: http://127.0.0.1:9"),
    ],
)
def test_what_ray_would_not_do_is_refused(
    words: tuple[str, ...], variables: dict[str, str], code: int, wanted: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    said = submit(*words)

    assert (said.exit_code, said.stdout) == (code, "")
    assert wanted in said.stderr
    assert "mellon" not in said.stderr


def test_a_training_goes_on_when_its_node_dies_and_is_stopped_as_ray_stops_jobs(tmp_path: Path) -> None:
    with ray_job.three_nodes(tmp_path) as cluster:
        assert list(ray_job.show(cluster, epochs=40)) == []
