"""A run that goes on: what it says once more is recorded once, and its folder is kept while it can."""

from __future__ import annotations

import math
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from nnrun.runner.tracking.again.before import Before
from nnrun.runner.tracking.again.kept import NotResumable, begun, find_kept, kept_runs
from nnrun.runner.tracking.journal import Journal, last_entry
from nnrun.runner.tracking.outbox import KEPT
from nnrun.runner.tracking.owner import Owner
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.store import Store


def test_what_was_said_behind_the_checkpoint_is_compared_and_not_said_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("open", name="as written · abcd")
    after = journal.append("metrics", step=1, values={"train/loss": 9.0})
    journal.append("metrics", step=2, values={"train/loss": 0.5, "valid/f1": math.nan, "system/examples_per_second": 7.0})
    journal.append("metrics", step=0, values={"test/loss": 0.25})
    journal.append("metrics", step=0, values={"test/loss": 0.125})  # of another stage
    journal.append("image", path="5.png", key="filters", step=2)
    journal.close()
    before = Before.of(tmp_path / "journal.jsonl", after)

    assert before.name == "as written · abcd"
    assert before.without_known(1, {"train/loss": 9.0}) == {"train/loss": 9.0}  # lies before: it is not said again
    assert before.without_known(2, {"train/loss": 0.5, "valid/f1": math.nan, "system/examples_per_second": 8.0, "new": 1.0}) == {"new": 1.0}
    assert before.without_known(0, {"test/loss": 0.25}) == {}
    assert before.without_known(0, {"test/loss": 0.5}) == {}
    assert before.differing == {"test/loss": 0}
    assert before.without_known(0, {"test/loss": 0.5}) == {"test/loss": 0.5}
    assert before.has_picture("filters", 2)
    assert not before.has_picture("filters", 2)


def test_a_checkpoint_that_lies_before_what_was_said_already_does_not_say_that_it_came_so_far(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("open", name="as written · abcd")
    for step in (1, 2, 3):
        journal.append("metrics", step=step, values={"train/loss": 1 / step, "train/lr": 0.1})
    journal.append("image", path="5.png", key="filters", step=3)
    journal.append("metrics", step=0, values={"test/loss": 0.25})
    journal.close()
    before = Before.of(tmp_path / "journal.jsonl", after=1)

    assert before.reached(8) == 1
    assert before.without_known(1, {"train/loss": 1.0, "train/lr": 0.1}) == {}
    assert before.reached(8) == 2  # a save at this moment: the training goes on behind its second entry
    assert before.without_known(3, {"train/loss": 1 / 3, "train/lr": 0.1}) == {}  # the figures of step 2 are not said any more
    assert before.reached(8) == 4
    assert before.has_picture("filters", 3)
    assert before.without_known(0, {"test/loss": 0.25}) == {}
    assert before.reached(8) == 8


def test_a_journal_goes_on_behind_its_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.append("tags", tags={"a": "1"})
    journal.append("tags", tags={"a": "2"})
    journal.close()
    path.write_bytes(path.read_bytes() + b"1234abcd {cut off by a cra")
    journal = Journal(path)

    assert journal.append("finish", status="KILLED", error=None) == 3
    journal.close()
    last = last_entry(path)
    assert last is not None
    assert (last.what, last.sequence) == ("finish", 3)


@pytest.fixture
def broken(store: Store, outbox: Path) -> Store:
    """A store with a run that was stopped after two figures."""
    recorder = Recorder.start(store, outbox=outbox)
    recorder.keep_job('{"tags": {}}')
    recorder.checkpoints.mkdir()
    recorder.open("spec", "as written · wizc", {"a": 1}, {})
    recorder.metrics(1, {"valid/loss": 3.0})
    recorder.metrics(2, {"valid/loss": 2.0})
    recorder.finish("KILLED", "stopped by SIGTERM")
    return store


def test_a_run_of_another_machine_goes_on_here_if_it_has_said_how_it_ended(broken: Store, outbox: Path) -> None:
    (folder,) = (run.folder for run in kept_runs(outbox))
    folder.own(folder.store, replace(folder.owner, host="elsewhere"))

    assert find_kept(None, broken, outbox).taken_over().owner == Owner.of(os.getpid())


def test_a_run_that_another_machine_could_not_end_goes_on_by_the_word_of_who_starts_it(broken: Store, outbox: Path) -> None:
    (folder,) = (run.folder for run in kept_runs(outbox))
    folder.own(folder.store, replace(folder.owner, host="elsewhere"))
    journal = Journal(folder.journal)
    journal.append("again")
    journal.close()
    with pytest.raises(NotResumable, match="is going on in process"):
        find_kept("wizc", broken, outbox).taken_over()
    kept = begun({}, outbox)

    assert begun({"job": "slurm-1"}, outbox) is None
    assert kept is not None
    assert kept.taken_over().owner == Owner.of(os.getpid())


def test_a_run_that_was_stopped_goes_on_in_the_same_run_of_mlflow(broken: Store, outbox: Path) -> None:
    (own,) = (run.folder.owner for run in kept_runs(outbox))
    (folder,) = (run.folder for run in kept_runs(outbox))
    folder.own(folder.store, replace(own, started="1"))  # that process is gone
    kept = find_kept(None, broken, outbox)
    assert (kept.called, kept.status, kept.folder.path.parent.name) == ("wizc", "KILLED", KEPT)
    client = MlflowClient(broken.uri)
    assert client.get_run(str(kept.run_id)).info.status == "KILLED"

    recorder = Recorder.go_on(find_kept("wizc", broken, outbox).taken_over(), after=3)
    recorder.open("spec", "another name · zzzz", {"a": 1}, {})
    recorder.metrics(2, {"valid/loss": 2.0})
    recorder.metrics(3, {"valid/loss": 1.0})
    delivered = recorder.finish("FINISHED")

    assert delivered.run_id == kept.run_id
    run = client.get_run(str(kept.run_id))
    assert (run.info.status, run.info.run_name, run.data.tags.get("error")) == ("FINISHED", "as written · wizc", None)
    assert [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, "valid/loss")] == [
        (1, 3.0),
        (2, 2.0),
        (3, 1.0),
    ]
    assert [run.status for run in kept_runs(outbox)] == ["FINISHED"]


def test_a_run_that_is_going_on_is_not_taken_over(broken: Store, outbox: Path) -> None:
    with pytest.raises(NotResumable, match="`wizc` is going on in process"):
        find_kept("wizc", broken, outbox).taken_over()


def test_a_run_without_a_job_leaves_nothing_behind(store: Store, outbox: Path) -> None:
    recorder = Recorder.start(store, outbox=outbox)
    recorder.keep_job('{"tags": {}}')
    recorder.open("spec", "as written · wizc", {}, {})
    recorder.forget_job()
    recorder.finish("FINISHED")

    assert kept_runs(outbox) == []
    assert not any(outbox.rglob("journal.jsonl"))


def test_a_name_that_nobody_has_is_answered_with_those_that_are_there(broken: Store, outbox: Path) -> None:
    with pytest.raises(NotResumable, match="nothing is kept on this machine of a run `nobody`") as found:
        find_kept("nobody", broken, outbox)
    assert found.value.help == "those that can go on: `wizc`"
    with pytest.raises(NotResumable, match="no run was broken off"):
        find_kept(None, Store("sqlite:////elsewhere/mlflow.db"), outbox)


def test_an_end_that_mlflow_has_not_got_when_the_run_goes_on_is_not_its_end(broken: Store, outbox: Path) -> None:
    (kept,) = kept_runs(outbox)
    folder = kept.folder.moved(outbox)
    progress, lines = folder.progress(), folder.journal.read_bytes().splitlines(keepends=True)
    progress.offset, progress.delivered, progress.over = len(b"".join(lines[:-1])), len(lines) - 1, False
    folder.save(progress)
    folder.own(folder.store, replace(folder.owner, started="1"))
    recorder = Recorder.go_on(find_kept("wizc", broken, outbox).taken_over(), after=3)
    end = time.monotonic() + 60
    while folder.progress().delivered < len(lines) + 1 and time.monotonic() < end:  # it reads all that there is before anything is said
        time.sleep(0.05)
    recorder.open("spec", "as written · wizc", {"a": 1}, {})
    recorder.metrics(3, {"valid/loss": 1.0})
    delivered = recorder.finish("FINISHED")

    assert delivered.is_complete, delivered.message
    assert MlflowClient(broken.uri).get_run(str(delivered.run_id)).data.metrics["valid/loss"] == 1.0


def test_a_run_that_is_delivered_as_it_is_taken_over_is_found_where_it_was_moved(broken: Store, outbox: Path) -> None:
    (kept,) = kept_runs(outbox)
    folder = kept.folder.moved(outbox)
    folder.own(folder.store, replace(folder.owner, started="1"))
    (listed,) = kept_runs(outbox)
    folder.moved(outbox / KEPT)
    taken = listed.taken_over()

    assert taken.path == folder.path
    assert taken.owner == Owner.of(os.getpid())
    assert [run.folder for run in kept_runs(outbox)] == [taken]


def test_a_run_that_is_cleared_as_it_is_taken_over_is_told(broken: Store, outbox: Path) -> None:
    (listed,) = kept_runs(outbox)
    listed.clear()
    with pytest.raises(NotResumable, match="nothing is kept any more of run `wizc`"):
        listed.taken_over()
