"""However a training ends, MLflow has all of it and says how it ended. Real processes, really killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from nnrun.runner.tracking.beside.delivery import Delivery
from nnrun.runner.tracking.journal import Journal
from nnrun.runner.tracking.outbox import Folder, waiting
from nnrun.runner.tracking.owner import Owner
from nnrun.runner.tracking.plumbing import Plumbing
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.store import Store
from nnrun.runner.tracking.sync import sync
from tests.tracking.support import wait_until

Start = Callable[[str, Store], "subprocess.Popen[str]"]

TRAIN = """
    with Recorder.start(store, outbox=outbox) as recorder:
        recorder.open("xor", "xor", {"train.lr": 0.1}, {})
        for step in range(500):
            recorder.metrics(step, {"train/loss": 1 / (step + 1)})
        END
"""


def only_run(store: Store) -> Run:
    [run] = MlflowClient(store.uri).search_runs(["1"])
    return run


def points(store: Store) -> int:
    return len(MlflowClient(store.uri).get_metric_history(only_run(store).info.run_id, "train/loss"))


def has_ended(store: Store) -> bool:
    runs = MlflowClient(store.uri).search_runs(["1"]) if MlflowClient(store.uri).get_experiment_by_name("xor") else []
    return bool(runs) and runs[0].info.status != "RUNNING"


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


@pytest.mark.parametrize(
    ("end", "status", "error"),
    [
        ("pass", "FINISHED", None),
        ("sys.exit(0)", "FINISHED", None),
        ("sys.exit(2)", "FAILED", "SystemExit: 2"),
        ("raise ValueError('the loss is not a number')", "FAILED", "ValueError: the loss is not a number"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "KILLED", "the training ended without saying why"),
    ],
)
def test_the_status_says_how_the_training_ended(end: str, status: str, error: str | None, store: Store, trainer: Start) -> None:
    trainer(TRAIN.replace("END", end), store).wait()
    wait_until(lambda: has_ended(store))
    run = only_run(store)

    assert (run.info.status, points(store)) == (status, 500)
    assert str(run.data.tags.get("error")).startswith(str(error))


def test_ctrl_c_ends_the_training_and_not_the_recording(store: Store, trainer: Start) -> None:
    process = trainer(TRAIN.replace("END", "print('ready', flush=True); time.sleep(60)"), store)
    ready(process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes of the group

    assert process.wait() != 0
    assert (only_run(store).info.status, points(store)) == ("KILLED", 500)


def test_the_recording_takes_no_signal_but_the_end_of_the_training(store: Store, trainer: Start) -> None:
    script = """
        sidecar = recorder._sidecar._process.pid
        assert recorder.run_id(wait=60)
        for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(sidecar, sign)
        recorder.metrics(500, {"train/loss": 0.0})
        assert recorder._sidecar._process.poll() is None
    """

    assert trainer(TRAIN.replace("END", script), store).wait() == 0
    assert (only_run(store).info.status, points(store)) == ("FINISHED", 501)


def test_a_killed_training_ends_although_a_child_of_it_lives_on(store: Store, trainer: Start) -> None:
    script = """
        child = os.fork()
        if child == 0:
            time.sleep(60)
        print("ready", flush=True)
        print(child, flush=True)
        time.sleep(60)
    """
    process = trainer(TRAIN.replace("END", script), store)
    ready(process)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    try:
        wait_until(lambda: has_ended(store), 20)
    finally:
        os.kill(child, signal.SIGKILL)

    assert (only_run(store).info.status, points(store)) == ("KILLED", 500)


def test_a_killed_recording_is_done_again_at_the_end(store: Store, outbox: Path) -> None:
    recorder = Recorder.start(store, outbox=outbox)
    recorder.open("xor", "xor", {}, {})
    recorder.metrics(1, {"train/loss": 1.0})
    assert recorder.run_id(wait=60)
    recorder._sidecar._process.kill()
    recorder.metrics(2, {"train/loss": 0.5})
    delivered = recorder.finish("FINISHED")

    assert (delivered.missing, only_run(store).info.status, points(store)) == (0, "FINISHED", 2)


def test_what_was_killed_with_its_recording_is_delivered_later(store: Store, outbox: Path, trainer: Start) -> None:
    end = "recorder.sync(); os.kill(recorder._sidecar._process.pid, signal.SIGKILL); os.kill(os.getpid(), signal.SIGKILL)"
    trainer(TRAIN.replace("END", end), store).wait()
    [delivered] = sync(waiting(outbox))

    assert (delivered.missing, only_run(store).info.status, points(store)) == (0, "KILLED", 500)
    assert waiting(outbox) == []


def test_a_living_training_is_not_waiting_for_delivery(store: Store, outbox: Path) -> None:
    folder = Folder.create(outbox, store, Owner.of(os.getpid()))

    assert (folder.path.exists(), waiting(outbox)) == (True, [])


def test_an_abandoned_run_is_closed_by_the_next(store: Store, outbox: Path) -> None:
    client = MlflowClient(store.uri)
    experiment = client.create_experiment("xor")
    alive = Owner.of(os.getpid())
    dead = replace(alive, started="1")
    folder = Folder.create(outbox, store, dead)
    plumbing = {"dead": Plumbing(dead, "/gone"), "in delivery": Plumbing(dead, str(folder.path)), "alive": Plumbing(alive, "/gone")}
    tags = {name: one.tags for name, one in plumbing.items()} | {"foreign": {}}
    runs = {name: client.create_run(experiment, tags=tags[name]).info.run_id for name in tags}
    with folder.hold():
        recorder = Recorder.start(store, outbox=outbox)
        recorder.open("xor", "next", {}, {})
        recorder.finish("FINISHED")

    status = {name: client.get_run(run).info.status for name, run in runs.items()}
    assert status == {"dead": "KILLED", "in delivery": "RUNNING", "alive": "RUNNING", "foreign": "RUNNING"}


def test_a_long_run_gives_signs_of_life(store: Store, outbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnrun.runner.tracking.beside.delivery.HEARTBEAT", 0.0)
    folder = Folder.create(outbox, store, Owner.of(os.getpid()))
    with closing(Journal(folder.journal)) as journal:
        tags = Plumbing(folder.owner, str(folder.path)).tags
        journal.append("open", experiment="xor", name="xor", tags=tags, description="", source=None)
    delivery = Delivery(folder)

    assert delivery.step(owner_lives=True) is False
    plumbing = Plumbing.of(only_run(store).data.tags)
    assert plumbing is not None
    assert abs(datetime.now(UTC) - datetime.fromisoformat(plumbing.heartbeat)) < timedelta(minutes=1)
    assert delivery.step(owner_lives=False) is True


def test_eight_first_runs_at_once_share_one_new_store(tmp_path: Path, trainer: Start) -> None:
    store = Store.from_environment(tmp_path / "fresh")
    processes = [trainer(TRAIN.replace("END", "pass"), store) for _ in range(8)]

    assert [process.wait() for process in processes] == [0] * 8
    runs = MlflowClient(store.uri).search_runs(["1"])
    assert [run.info.status for run in runs] == ["FINISHED"] * 8
    assert sorted(path.name for path in (tmp_path / "fresh").iterdir()) == ["mlflow.db"]
