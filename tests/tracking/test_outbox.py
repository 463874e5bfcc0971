"""The outbox outlives the run, and is nobody else's business."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from nnrun.runner.cli import main
from nnrun.runner.cli.console import Exit
from nnrun.runner.tracking.outbox import Folder, usable_outbox, waiting
from nnrun.runner.tracking.owner import Owner
from nnrun.runner.tracking.store import Store


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go, for a user whose home takes none: there is a file in the place of the folder."""
    (tmp_path / "home").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_outbox_lies_among_the_state_files_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    assert usable_outbox() == tmp_path / "state" / "nnrun" / "outbox"


def test_without_a_home_the_outbox_lies_among_the_temporary_files(temporary: Path) -> None:
    assert usable_outbox() == temporary / f"nnrun-{os.getuid()}"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a folder of somebody else's")
def test_an_outbox_that_somebody_else_put_there_is_refused(temporary: Path) -> None:
    (temporary / "nnrun-0").mkdir()
    os.chown(temporary / "nnrun-0", 12345, 12345)

    with pytest.raises(PermissionError, match="nnrun-0` belongs to somebody else"):
        usable_outbox()


def test_nobody_else_can_look_into_a_run(store: Store, outbox: Path) -> None:
    folder = Folder.create(outbox, store, Owner.of(os.getpid()))

    assert stat.filemode(folder.path.stat().st_mode) == "drwx------"


def test_an_outbox_that_is_not_there_yet_holds_nothing(outbox: Path) -> None:
    assert waiting(outbox) == []


def test_a_folder_that_a_crash_has_torn_is_in_nobodys_way(store: Store, outbox: Path) -> None:
    folder = Folder.create(outbox, store, Owner.of(os.getpid()))
    folder.start.write_bytes(b"")

    assert waiting(outbox) == []


def test_what_is_delivered_at_this_moment_is_not_yet_all_there(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ended = Folder.create(usable_outbox(), store, replace(Owner.of(os.getpid()), started="long ago"))
    with closing(ended.hold()):
        said = CliRunner().invoke(main, ["sync"])

    assert (said.exit_code, said.stdout) == (
        Exit.MISSING,
        f"not yet all there: `{ended.path}`, which the process beside its training delivers at this moment\n",
    )
    assert waiting() == [ended]
