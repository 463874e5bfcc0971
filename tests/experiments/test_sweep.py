"""Sweeps for real: processes of their own, Optuna's file, MLflow's records."""

from __future__ import annotations

import fcntl
import json
import shutil
import signal
from pathlib import Path
from statistics import fmean

import pytest
from mlflow import MlflowClient
from optuna.trial import TrialState

from nnrun.runner.job import Job
from nnrun.runner.tracking.asked.children import finished_child
from nnrun.runner.tracking.store import Store, sqlite_uri
from tests.experiments.support import Kept, call, kill, small, start, wait_for_worker
from tests.tracking.support import copied, wait_until

GRID = """
search: grid
over:
  nodes.hidden.units: [4, 8]
  train.optimizer.lr: [0.01, 0.1]
"""


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    copied(template, tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def grid(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A whole grid by two workers, its spec in another folder, its data in a file of that folder."""
    place = tmp_path_factory.mktemp("grid")
    copied(template, place)
    (place / "specs").mkdir()
    (place / "specs" / "rows.csv").write_text("a,b,kind\n" + "".join(f"{n % 7},{n % 5},{'xy'[n % 2]}\n" for n in range(80)))
    fields = "{x: {type: vector, columns: [a, b]}, digit: {type: category, column: kind}}"
    text = small(GRID).replace("source: digits", "source: csv\n  file: rows.csv").replace("flat: {type: flatten}\n  ", "")
    text = text.replace("{image: {type: image}, digit: {type: category}}", fields)
    (place / "specs" / "small.yaml").write_text(text.replace("image -> flat", "x"))
    done = call(place, "specs/small.yaml", "--workers", "2", "--json")
    assert done.returncode == 0, done.stderr
    (place / "said.json").write_text(done.stdout)
    return Kept(place)


def test_a_grid_is_gone_through_in_order(grid: Kept) -> None:
    assert [trial.params for trial in grid.trials] == [
        {"nodes.hidden.units": units, "train.optimizer.lr": lr} for units in ("4", "8") for lr in ("0.01", "0.1")
    ]
    assert grid.finished == grid.finished_runs == [0, 1, 2, 3]


def test_each_trial_is_a_run_below_that_of_the_sweep(grid: Kept) -> None:
    assert grid.parent.info.status == "FINISHED"
    assert grid.parent.info.run_name.startswith("sweep · small")
    for run in grid.children:
        trial = grid.trials[int(run.data.tags["trial"])]
        assert trial.value == run.data.metrics["valid/best_accuracy"]


def test_the_best_is_said_with_its_figure_on_the_test_part(grid: Kept) -> None:
    said = json.loads((grid.folder / "said.json").read_text())
    best = max(grid.trials, key=lambda trial: (trial.value or 0, -trial.number))
    (run,) = (run for run in grid.children if run.data.tags["trial"] == str(best.number))
    note = grid.parent.data.tags["mlflow.note.content"]

    assert (said["best"]["trial"], said["best"]["value"]) == (best.number, best.value)
    assert said["best"]["figures"]["test/accuracy"] == grid.parent.data.metrics["test/accuracy"] == run.data.metrics["test/accuracy"]
    assert note.startswith("**Best valid/accuracy")
    assert "The best of 4 is optimistic" in note


def test_the_best_spec_is_the_users_text_with_other_values_and_runs(grid: Kept) -> None:
    said = json.loads((grid.folder / "said.json").read_text())
    path = Path(said["best"]["spec"])
    job = Job.read(path)
    settings = dict(setting.split("=") for setting in said["best"]["settings"])

    assert job.checked.report.ids == []
    assert f"units: {settings['nodes.hidden.units']}, activation: relu" in job.text
    assert "sweep" not in job.text
    assert call(grid.folder, str(path), verb="run").returncode == 0


def test_the_sweeps_run_keeps_a_table_of_all_trials(grid: Kept) -> None:
    table = grid.table()

    assert [row["trial"] for row in table] == [0, 1, 2, 3]
    assert [row["valid/accuracy"] for row in table] == [trial.value for trial in grid.trials]
    assert {row["runs"] for row in table} == {run.info.run_id for run in grid.children}


def test_a_sweep_that_is_done_says_so_again_without_training(grid: Kept) -> None:
    done = call(grid.folder, "specs/small.yaml")

    assert done.returncode == 0
    assert "4 of 4 trials are done" in done.stderr
    assert len(grid.children) == 4


def test_of_repeated_runs_the_mean_counts(folder: Path) -> None:
    (folder / "small.yaml").write_text(small("search: grid\nrepeat: 2\nover: {train.optimizer.lr: [0.001, 0.1]}"))
    assert call(folder, "small.yaml", "--workers", "2").returncode == 0
    kept = Kept(folder)

    assert kept.finished_runs == [0, 0, 1, 1]
    for trial in kept.trials:
        runs = [run for run in kept.children if run.data.tags["trial"] == str(trial.number)]
        assert trial.value == fmean(run.data.metrics["valid/best_accuracy"] for run in runs)
        assert {run.data.params["train.seed"] for run in runs} == {"0", "1"}
        assert list(trial.params) == ["train.optimizer.lr"]


def test_a_failed_trial_is_recorded_while_the_rest_goes_on(folder: Path) -> None:
    text = small("search: grid\nover: {train.optimizer.lr: [1.0e+30, 0.01]}").replace("type: adam", "type: sgd")
    (folder / "small.yaml").write_text(text)
    done = call(folder, "small.yaml")
    kept = Kept(folder)

    assert done.returncode == 0
    assert [trial.state for trial in kept.trials] == [TrialState.FAIL, TrialState.COMPLETE]
    assert [(run.data.tags["trial"], run.info.status) for run in kept.children] == [("0", "FAILED"), ("1", "FINISHED")]
    assert "not a finite number" in kept.table()[0]["error"]


def test_a_sweep_whose_trials_all_fail_alike_is_given_up(folder: Path) -> None:
    text = small("search: grid\nover: {train.optimizer.lr: [1.0e+30, 1.0e+31, 1.0e+32, 1.0e+33]}").replace("type: adam", "type: sgd")
    (folder / "small.yaml").write_text(text)
    done = call(folder, "small.yaml")

    assert done.returncode == 3
    assert "error[no-trial]: the first 3 trials failed in the same way" in done.stderr
    assert len(Kept(folder).trials) == 3
    assert Kept(folder).parent.info.status == "FAILED"


def test_a_poor_trial_is_given_up_and_called_pruned(folder: Path) -> None:
    sweep = "search: grid\nprune: {wait: 1, trials: 1}\nover: {train.optimizer.lr: [0.01, 1.0e-6]}"
    (folder / "small.yaml").write_text(small(sweep, steps=200).replace("steps: 200", "steps: 200\n  evaluate_every: 20"))
    assert call(folder, "small.yaml").returncode == 0
    kept = Kept(folder)

    assert [trial.state for trial in kept.trials] == [TrialState.COMPLETE, TrialState.PRUNED]
    (run,) = (run for run in kept.children if run.data.tags["trial"] == "1")
    assert run.info.status == "KILLED"
    assert run.data.tags["pruned"].startswith("after 2 evaluations, step 40")
    assert (kept.table()[1]["state"], kept.table()[1]["valid/accuracy"]) == ("pruned", None)


def test_a_changed_sweep_is_a_new_one_and_says_so(grid: Kept, folder: Path) -> None:
    shutil.copytree(grid.folder / "sweeps", folder / "sweeps")
    text = (grid.folder / "specs" / "small.yaml").read_text().replace("lr: [0.01, 0.1]", "lr: [0.01]").replace("[4, 8]", "[4]")
    shutil.copy(grid.folder / "specs" / "rows.csv", folder)
    (folder / "small.yaml").write_text(text)
    done = call(folder, "small.yaml")

    assert done.returncode == 0
    assert "the spec or what is searched has changed since `small-" in done.stderr
    assert len(list((folder / "sweeps").glob("*.journal"))) == 2


ONE = "search: {type: random, trials: 1}\nover: {train.optimizer.lr: {log: [1e-3, 1e-1]}}"


def test_more_trials_go_on_where_fewer_ended(folder: Path) -> None:
    (folder / "small.yaml").write_text(small(ONE))
    assert call(folder, "small.yaml").returncode == 0
    first = Kept(folder).parent.info.run_id
    assert call(folder, "small.yaml", "--trials", "2").returncode == 0
    kept = Kept(folder)

    assert kept.finished == kept.finished_runs == [0, 1]
    assert kept.parent.info.run_id == first
    assert len({trial.params["train.optimizer.lr"] for trial in kept.trials}) == 2


def test_a_run_that_finished_as_its_sweep_was_killed_is_not_run_again(folder: Path) -> None:
    (folder / "small.yaml").write_text(small(ONE))
    assert call(folder, "small.yaml").returncode == 0
    kept = Kept(folder)
    before = kept.trials[0].value
    lines = kept.journal.read_bytes().splitlines(keepends=True)
    kept.journal.write_bytes(b"".join(lines[: next(number for number, line in enumerate(lines) if b'"run 0"' in line)]))
    assert kept.finished == []
    done = call(folder, "small.yaml")

    assert "under way were 0, which are tried again" in done.stderr
    assert kept.finished == kept.finished_runs == [0]
    assert kept.trials[0].value == before
    assert len(kept.children) == 1


def test_a_run_whose_machine_is_gone_is_killed_when_its_trial_is_tried_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnrun.runner.tracking.asked.children.LAST", 0.1)
    store = Store(sqlite_uri(folder / "mlflow.db"))
    client = MlflowClient(store.uri)
    experiment = client.create_experiment("small")
    parent = client.create_run(experiment).info.run_id
    tags = {"mlflow.parentRunId": parent, "trial": "0", "repeat": "0"}
    lost, other = (client.create_run(experiment, tags={**tags, "trial": trial}).info.run_id for trial in "01")

    assert finished_child(store, parent, {"trial": "0", "repeat": "0"}, "valid/accuracy") is None
    assert [client.get_run(run).info.status for run in (lost, other)] == ["KILLED", "RUNNING"]
    assert "the machine that trained it is gone" in client.get_run(lost).data.tags["error"]


def test_two_processes_do_not_go_on_with_one_sweep(grid: Kept) -> None:
    with open(grid.journal.with_suffix(".lock"), "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = call(grid.folder, "specs/small.yaml")

    assert done.returncode == 3
    assert "error[sweep-busy]" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_sweep_ends_all_runs_within_seconds_and_goes_on_later(folder: Path, number: signal.Signals, code: int) -> None:
    (folder / "small.yaml").write_text(small(ONE, 100_000))
    process = start(folder, "small.yaml")
    wait_for_training(folder)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    kept = Kept(folder)

    assert process.returncode == code
    assert "the same command goes on" in err
    assert "Traceback" not in err
    assert [run.info.status for run in kept.runs] == ["KILLED", "KILLED"]


def wait_for_training(folder: Path) -> None:
    def trains() -> bool:
        return bool(list((folder / "sweeps").glob("*.journal"))) and any("train/loss" in run.data.metrics for run in Kept(folder).children)

    wait_until(trains, 120)


def test_a_worker_that_is_killed_is_replaced(folder: Path) -> None:
    (folder / "small.yaml").write_text(small(ONE, 3000))
    process = start(folder, "small.yaml")
    kill(wait_for_worker(process))
    _, err = process.communicate(timeout=280)

    assert process.returncode == 0
    assert "the process of trial 0 ended by signal 9: the trial is tried again" in err
    assert Kept(folder).finished_runs == [0]
