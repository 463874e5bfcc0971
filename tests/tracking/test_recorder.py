"""What a trainer says is what MLflow shows. One run says everything there is to say; the tests look at it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.spawn import Sidecar
from nnrun.runner.tracking.store import Store
from tests.tracking.support import ROOT, Recorded, wait_until


def test_nothing_is_missing(recorded: Recorded) -> None:
    assert (recorded.delivered.missing, recorded.delivered.message) == (0, None)


def test_the_outbox_is_empty_when_all_is_delivered(recorded: Recorded) -> None:
    assert list(recorded.outbox.iterdir()) == []


def test_nothing_but_the_store_is_left_beside_the_user(recorded: Recorded) -> None:
    assert sorted(path.name for path in recorded.folder.iterdir()) == ["mlflow.db", "mlruns", "outbox"]


def test_a_run_is_where_it_was_said(recorded: Recorded) -> None:
    experiment = recorded.client.get_experiment(recorded.experiment_id)

    assert (experiment.name, recorded.run.info.run_name) == ("xor", "xor second")
    assert experiment.tags["mlflow.note.content"] == "Exclusive or."


def test_a_run_lasts_as_long_as_its_training(recorded: Recorded) -> None:
    points = recorded.history("train/loss")

    assert recorded.run.info.status == "FINISHED"
    assert recorded.run.info.start_time <= points[0].timestamp <= points[-1].timestamp <= recorded.run.info.end_time


def test_every_point_arrives_once(recorded: Recorded) -> None:
    assert [(point.step, point.value) for point in recorded.history("train/loss")] == [(step, 1 / (step + 1)) for step in range(1200)]


def test_numbers_that_are_none_arrive_as_mlflow_keeps_them(recorded: Recorded) -> None:
    points = {point.step: point.value for point in recorded.history("valid/loss")}

    assert math.isnan(points[7])
    assert points[8] == sys.float_info.max


def test_more_params_than_fit_a_call_arrive(recorded: Recorded) -> None:
    params = recorded.run.data.params

    assert params["nodes.n.149"] == "149"
    assert len(params) == 151


def test_long_values_are_cut(recorded: Recorded) -> None:
    assert len(recorded.run.data.params["long"]) == 6000
    assert len(recorded.run.data.tags["long"]) == 8000


def test_the_last_tag_counts(recorded: Recorded) -> None:
    assert recorded.run.data.tags["nnrun.graph"] == "def"
    assert recorded.run.data.tags["mlflow.note.content"] == "**Better** than the baseline"


def test_a_later_file_takes_the_place_of_an_earlier(recorded: Recorded) -> None:
    assert recorded.file("spec/source.yaml") == "nnrun: 1  # later"


def test_a_table_is_shown_as_one(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", recorded.store.uri)
    table = recorded.client.load_table(recorded.experiment_id, "predictions.json", [recorded.run_id])

    assert table["x"].tolist() == [1, 2]
    assert json.loads(recorded.file("predictions.json"))["data"] == [[1, "yes"], [2, None]]


def test_images_of_a_key_have_their_steps(recorded: Recorded) -> None:
    names = sorted(file.path for file in recorded.client.list_artifacts(recorded.run_id, "images"))

    assert [name.split("+timestamp")[0] for name in names] == ["images/filters~conv1+step+0"] * 2 + ["images/filters~conv1+step+40"] * 2
    assert recorded.run.data.tags["mlflow.loggedImages"] == "True"


def test_the_previous_run_of_the_spec_is_known(recorded: Recorded) -> None:
    previous = recorded.delivered.previous

    assert previous is not None
    assert (previous.name, previous.metrics["test/loss"]) == ("xor first", 0.5)
    assert recorded.delivered.links is not None
    assert previous.run_id in str(recorded.delivered.links.comparison)


def test_the_commit_of_the_spec_is_recorded(recorded: Recorded) -> None:
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)

    assert recorded.run.data.tags.get("mlflow.source.git.commit", "") == (commit.stdout.strip() if commit.returncode == 0 else "")


def test_the_trainer_loads_neither_mlflow_nor_torch() -> None:
    script = (
        "import nnrun.runner.tracking.recorder, sys; print({name.split('.')[0] for name in sys.modules} & {'mlflow', 'torch', 'numpy'})"
    )

    assert subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True).strip() == "set()"


def test_a_file_cannot_leave_its_run(store: Store, outbox: Path) -> None:
    with Recorder.start(store, outbox=outbox) as recorder:
        for path in ("../spec.yaml", "a/../../spec.yaml", "/etc/passwd", ""):
            with pytest.raises(ValueError, match="leads nowhere but into the run"):
                recorder.artifact(path, "x")


def test_a_recording_that_never_opened_a_run_leaves_nothing(store: Store, outbox: Path) -> None:
    delivered = Recorder.start(store, outbox=outbox).finish("FAILED", "the spec has a mistake")

    assert (delivered.run_id, delivered.missing, delivered.message) == (None, 0, None)
    wait_until(lambda: not any(outbox.iterdir()))


def test_a_continued_run_keeps_its_points(store: Store, outbox: Path) -> None:
    with Sidecar() as sidecar:
        first = Recorder.start(store, sidecar, outbox)
        first.open("xor", "xor", {"train.lr": 0.1}, {})
        first.metrics(1, {"train/loss": 2.0})
        run_id = str(first.finish("KILLED", "interrupted").run_id)
        second = Recorder.start(Store(store.uri, run_id=run_id), sidecar, outbox)
        second.open("xor", "xor", {"train.lr": 0.2, "train.epochs": 3}, {})
        second.metrics(2, {"train/loss": 1.0})
        assert second.finish("FINISHED").missing == 0
    run = MlflowClient(store.uri).get_run(run_id)

    assert [point.value for point in MlflowClient(store.uri).get_metric_history(run_id, "train/loss")] == [2.0, 1.0]
    assert run.data.params == {"train.lr": "0.1", "train.epochs": "3"}
    assert json.loads(run.data.tags["changed_params"]) == {"train.lr": "0.2"}
    assert (run.info.status, run.data.tags.get("error")) == ("FINISHED", None)
