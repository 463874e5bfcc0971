"""MLflow may be away, slow, killed or unwilling: nothing is lost, nothing is doubled, and what is missing is said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from mlflow import MlflowClient

from nnrun.runner.tracking.outbox import Folder
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.store import Store, sqlite_uri
from nnrun.runner.tracking.sync import sync
from nnrun.runner.tracking.ui import served
from tests.tracking.support import ROOT, models_of, say_everything, wait_until

Start = Callable[[str, Store], "subprocess.Popen[str]"]

HAMMER = """
import os, random, signal, sys, time
from pathlib import Path
from nnrun.runner.tracking.beside.delivery import Delivery
from nnrun.runner.tracking.outbox import Folder
import nnrun.runner.tracking.beside.model

folder, random, kills = Folder(Path(sys.argv[1])), random.Random(1), 0
while folder.path.exists():
    child = os.fork()
    if child == 0:
        delivery = Delivery(folder)
        while not delivery.step(owner_lives=True):
            time.sleep(0.05)
        os._exit(0)
    time.sleep(random.uniform(0.1, 0.4 + 0.2 * kills))  # longer each time, so that it ends on a slow machine too
    os.kill(child, signal.SIGKILL)
    kills += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
print(kills)
"""


def history(store: Store, run_id: str | None, key: str = "train/loss") -> list[float]:
    return [point.value for point in MlflowClient(store.uri).get_metric_history(str(run_id), key)]


def unsent(store: Store, outbox: Path) -> Recorder:
    """A recorder whose process was killed before it could do anything."""
    recorder = Recorder.start(store, outbox=outbox)
    recorder._sidecar._process.kill()
    return recorder


def test_a_delivery_killed_again_and_again_stores_everything_once(store: Store, outbox: Path, tmp_path: Path) -> None:
    recorder = unsent(store, outbox)
    say_everything(recorder, "once")
    recorder._journal.append("finish", status="FINISHED", error=None)
    kills = subprocess.check_output([sys.executable, "-c", HAMMER, recorder.folder], env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True)
    recorder._journal.close()
    recorder._sidecar.close()

    client = MlflowClient(store.uri)
    [run] = client.search_runs(["1"])
    assert int(kills) >= 3
    assert history(store, run.info.run_id) == [1 / (step + 1) for step in range(1200)]
    assert (run.info.status, len(run.data.params)) == ("FINISHED", 151)
    assert len(client.list_artifacts(run.info.run_id, "images")) == 4
    assert json.loads(run.data.tags["mlflow.loggedArtifacts"]) == [{"path": "predictions.json", "type": "table"}]
    assert [str(model.status) for model in client.search_logged_models(["1"])] == ["READY"]
    assert len(models_of(run)) == 1


def test_a_server_that_is_stopped_and_started_again_loses_nothing(store: Store, outbox: Path) -> None:
    with served(store, port=0) as (address, _):
        recorder = Recorder.start(Store(address), outbox=outbox)
        recorder.open("xor", "xor", {"train.lr": 0.1}, {})
        recorder.metrics(0, {"train/loss": 0.0})
        assert recorder.run_id(wait=60)
    for step in range(1, 100):
        recorder.metrics(step, {"train/loss": step})
    recorder.artifact("plan.txt", "a plan")
    wait_until(lambda: recorder.trouble == "connection refused")
    with served(store, port=int(address.rpartition(":")[2])):
        recorder.metrics(100, {"train/loss": 100})
        delivered = recorder.finish("FINISHED")
        artifacts = MlflowClient(address).list_artifacts(str(delivered.run_id))

    assert delivered.message is None
    assert history(store, delivered.run_id) == list(range(101))
    assert [file.path for file in artifacts] == ["plan.txt"]


def test_what_is_missing_is_said_kept_and_delivered_later(tmp_path: Path, outbox: Path) -> None:
    (tmp_path / "place").touch()  # a file where the store's folder should be
    store = Store(sqlite_uri(tmp_path / "place" / "mlflow.db"))
    recorder = Recorder.start(store, outbox=outbox)
    recorder.open("xor", "xor", {}, {})
    recorder.metrics(1, {"train/loss": 0.5})
    wait_until(lambda: recorder.trouble is not None)
    delivered = recorder.finish("FINISHED", wait=0.5)

    assert delivered.missing == 4
    assert delivered.message == (
        f"4 of 4 records of this run are not yet in MLflow at `{store.uri}`: file exists\n"
        f"they are safe in `{recorder.folder}`; `nnrun sync` delivers them"
    )
    os.kill(recorder._sidecar._process.pid, signal.SIGKILL)  # it would go on in the background
    (tmp_path / "place").unlink()
    [later] = sync([Folder(recorder.folder)])
    assert (later.message, history(store, later.run_id)) == (None, [0.5])
    assert MlflowClient(store.uri).get_run(str(later.run_id)).info.status == "FINISHED"


def test_two_who_deliver_the_same_store_it_once(store: Store, outbox: Path, trainer: Start) -> None:
    script = """
        recorder = Recorder.start(store, outbox=outbox)
        recorder.open("xor", "xor", {}, {})
        for step in range(300):
            recorder.metrics(step, {"train/loss": step})
        for pid in (recorder._sidecar._process.pid, os.getpid()):
            os.kill(pid, signal.SIGKILL)
    """
    trainer(script, store).wait()
    deliver = """
        from nnrun.runner.tracking.outbox import Folder
        from nnrun.runner.tracking.sync import sync
        print([delivered.message for delivered in sync([Folder(path) for path in outbox.iterdir()])])
    """
    both = [trainer(deliver, store) for _ in range(2)]

    assert [process.communicate()[0] for process in both] == ["[None]\n"] * 2
    [run] = MlflowClient(store.uri).search_runs(["1"])
    assert history(store, run.info.run_id) == list(range(300))


def test_a_training_that_gives_up_waiting_is_delivered_in_the_background(store: Store, outbox: Path, trainer: Start) -> None:
    script = """
        recorder = Recorder.start(store, outbox=outbox)
        recorder.open("xor", "xor", {}, {})
        recorder.metrics(1, {"train/loss": 0.5})
        print(recorder.finish("FINISHED", wait=0).missing)
    """
    process = trainer(script, store)

    assert process.communicate()[0] == "4\n"
    wait_until(lambda: not any(outbox.iterdir()))
    [run] = MlflowClient(store.uri).search_runs(["1"])
    assert (run.info.status, history(store, run.info.run_id)) == ("FINISHED", [0.5])


def test_ctrl_c_ends_the_waiting_for_mlflow(outbox: Path, trainer: Start) -> None:
    script = """
        import threading
        recorder = Recorder.start(store, outbox=outbox)
        recorder.open("xor", "xor", {}, {})
        threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        print(recorder.finish("FINISHED", wait=60).missing)
        os.kill(recorder._sidecar._process.pid, signal.SIGKILL)
    """

    assert trainer(script, Store("http://127.0.0.1:9")).communicate(timeout=20)[0] == "3\n"


def test_a_recording_that_cannot_start_says_why(store: Store, outbox: Path, tmp_path: Path, trainer: Start) -> None:
    (tmp_path / "mlflow.py").write_text("raise ImportError('this is not MLflow')")
    script = """
        sys.path.insert(0, os.getcwd())
        recorder = Recorder.start(store, outbox=outbox)
        recorder.open("xor", "xor", {}, {})
        print(recorder.finish("FINISHED").message)
    """

    assert "ImportError: this is not MLflow" in trainer(script, store).communicate()[0]


def test_a_refused_record_does_not_take_its_neighbours_with_it(store: Store, outbox: Path) -> None:
    recorder = Recorder.start(store, outbox=outbox)
    recorder.open("xor", "xor", {}, {})
    for step in (1, 2, 2**70, 4, 5):
        recorder.metrics(step, {"train/loss": 0.5})
    delivered = recorder.finish("FINISHED")

    assert (delivered.missing, len(history(store, delivered.run_id))) == (1, 4)
    assert "refused 1 of 8 records of this run: metrics: " in str(delivered.message)
    assert recorder.folder.exists()


def test_a_run_deleted_while_it_trains_is_said_once(store: Store, outbox: Path) -> None:
    recorder = Recorder.start(store, outbox=outbox)
    recorder.open("xor", "xor", {}, {})
    MlflowClient(store.uri).delete_run(str(recorder.run_id(wait=60)))
    for step in range(3000):
        recorder.metrics(step, {"train/loss": 0.5})
    delivered = recorder.finish("FINISHED")

    assert delivered.missing == 3001
    assert "must be in the 'active' state" in str(delivered.message)


def test_a_damaged_line_is_said_and_the_others_arrive(store: Store, outbox: Path) -> None:
    recorder = unsent(store, outbox)
    recorder.open("xor", "xor", {}, {})
    for step in range(3):
        recorder.metrics(step, {"train/loss": step})
    journal = recorder.folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"step":1', b'"step":7'))
    delivered = recorder.finish("FINISHED")

    assert history(store, delivered.run_id) == [0, 2]
    assert "refused 1 of 6 records of this run: its line in the journal is damaged" in str(delivered.message)
