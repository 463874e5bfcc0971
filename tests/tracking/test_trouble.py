"""A full disk and a silent store cost a training neither its end nor its record."""

from __future__ import annotations

import errno
import os
import socket
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from nnrun.runner.tracking.journal import Journal
from nnrun.runner.tracking.outbox import Folder, waiting
from nnrun.runner.tracking.owner import Owner
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.store import Store
from nnrun.runner.tracking.trouble.backlog import Backlog, write_whole
from nnrun.runner.tracking.trouble.patience import Patience


class Disk:
    """A disk that is full until it is not."""

    def __init__(self) -> None:
        self.full, self.held = False, list[int]()

    def write(self, number: int) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.held.append(number)


def test_what_a_full_disk_refuses_is_written_later_in_order(tmp_path: Path) -> None:
    disk, said = Disk(), list[str]()
    backlog = Backlog(tmp_path, said.append)
    for number in range(6):
        disk.full = number in (2, 3, 4)
        backlog.write(lambda number=number: disk.write(number))  # type: ignore[misc]
    assert (disk.held, len(backlog), backlog.trouble) == ([0, 1], 4, "no space left on device")

    backlog.flush(again=True)
    assert (disk.held, len(backlog), backlog.trouble) == ([0, 1, 2, 3, 4, 5], 0, None)
    assert said == [
        f"warning: nothing can be recorded in `{tmp_path}`: no space left on device; the training goes on, its records wait in memory",
        f"`{tmp_path}` takes records again; none is lost",
    ]


def test_a_training_goes_on_while_its_folder_takes_nothing(store: Store, outbox: Path) -> None:
    recorder = Recorder.start(store, outbox=outbox)
    recorder.open("xor", "xor", {}, {})
    recorder.metrics(0, {"train/loss": 0.0})
    files = recorder.folder / "files"
    files.rename(files.with_name("away"))
    files.touch()  # no file can be put into it, as if there were no room
    recorder.artifact("plan.txt", "a plan")
    recorder.metrics(1, {"train/loss": 1.0})
    assert recorder.trouble is not None
    files.unlink()
    files.with_name("away").rename(files)
    delivered = recorder.finish("FINISHED")

    client = MlflowClient(store.uri)
    points = client.get_metric_history(str(delivered.run_id), "train/loss")
    assert [(point.step, point.value) for point in points] == [(0, 0.0), (1, 1.0)]
    assert [file.path for file in client.list_artifacts(str(delivered.run_id))] == ["plan.txt"]
    assert delivered.message is None


def test_what_finds_no_room_is_said_to_be_lost(store: Store, outbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnrun.runner.tracking.trouble.patience.SILENCE", 0.5)
    said: list[str] = []
    recorder = Recorder.start(store, outbox=outbox, say=said.append)
    recorder.open("xor", "xor", {}, {})
    (recorder.folder / "images").rmdir()
    (recorder.folder / "images").touch()
    recorder.image("sample", 1, b"")
    delivered = recorder.finish("FINISHED")

    assert f"2 of 4 records of this run are lost: `{recorder.folder}` had no room for them" in str(delivered.message)
    assert not delivered.is_complete
    assert any(line.startswith("waiting for room in") for line in said)


def test_half_a_line_is_taken_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append("tags", tags={})
    whole = (tmp_path / "journal").read_bytes()

    class Half:
        name = "journal"
        real = journal._file

        def write(self, line: bytes) -> int:
            return self.real.write(line[: len(line) // 2])

        def __getattr__(self, name: str) -> object:
            return getattr(self.real, name)

    journal._file = Half()  # type: ignore[assignment]
    with pytest.raises(OSError, match="No space left"):
        journal.append("tags", tags={})
    journal._file.real.close()  # type: ignore[attr-defined]

    assert (tmp_path / "journal").read_bytes() == whole
    assert journal.sequence == 1


def test_a_file_that_finds_no_room_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "plan.txt").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        write_whole(tmp_path / "plan.txt", b"a plan")

    assert [path.name for path in tmp_path.iterdir()] == ["plan.txt"]


def test_patience_lasts_while_records_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnrun.runner.tracking.trouble.patience.SILENCE", 0.05)
    patience = Patience(None, wait=60)
    for delivered in range(5):
        time.sleep(0.03)
        assert patience.lasts(delivered, "connection refused")
    time.sleep(0.06)

    assert not patience.lasts(4, "connection refused")


def test_patience_lasts_while_a_server_answers_and_nothing_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that takes connections and never answers is silent; one that says anything answers."""
    monkeypatch.setattr("nnrun.runner.tracking.trouble.patience.SILENCE", 0.3)
    monkeypatch.setattr("nnrun.runner.tracking.trouble.patience.ASKED", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        patience = Patience(f"http://127.0.0.1:{silent.getsockname()[1]}", wait=60)
        assert patience.lasts(0, None)
        while patience.left:
            time.sleep(0.01)

        assert not patience.lasts(0, None)


def test_patience_with_a_file_lasts_as_long_as_it_may() -> None:
    assert Patience(None, wait=60).lasts(0, None)
    assert not Patience(None, wait=0).lasts(0, None)


def test_a_folder_that_found_no_room_is_not_left(outbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(target: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("nnrun.runner.tracking.outbox.write_whole", refuse)
    with pytest.raises(OSError, match="No space left"):
        Folder.create(outbox, Store("http://host"), Owner.of(os.getpid()))

    assert list(outbox.iterdir()) == waiting(outbox) == []
