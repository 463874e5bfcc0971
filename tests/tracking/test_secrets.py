"""The store's password goes to the store, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nnrun.runner.tracking.outbox import Folder
from nnrun.runner.tracking.owner import Owner
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.store import Store, StoreError
from nnrun.runner.tracking.trouble.secrets import public, scrubbed
from tests.tracking.support import ROOT

SECRET = "n0b0dyKn0ws"

SHOWN = {
    "http://me:hidden@host:5000/base": "http://host:5000/base",
    "https://hidden@host": "https://host",
    "postgresql://me:hi@dden@host/runs?password=hidden&sslmode=require": "postgresql://host/runs",
    "mysql+pymysql://me:hidden@host:3306/runs": "mysql+pymysql://host:3306/runs",
    "me:hidden@host:5000": "host:5000",
    "http://host:5000": "http://host:5000",
    "sqlite:////home/me@work/a?b.db": "sqlite:////home/me@work/a?b.db",
    "databricks://profile": "databricks://profile",
}


@pytest.mark.parametrize(("uri", "shown"), SHOWN.items())
def test_an_address_is_shown_without_user_and_password(uri: str, shown: str) -> None:
    assert public(uri) == shown


def test_a_text_of_somebody_else_loses_the_passwords_of_its_addresses() -> None:
    said = "request to http://me:hidden@host/api failed: postgresql://u:hidden@db/runs?user=me&password=hidden&sslmode=off; mail to a@b"

    assert scrubbed(said) == "request to http://host/api failed: postgresql://db/runs?user=…&password=…&sslmode=off; mail to a@b"


def test_a_password_with_signs_of_an_address_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="`MLFLOW_TRACKING_URI` is no address") as error:
        Store.from_environment(tmp_path, {"MLFLOW_TRACKING_URI": "http://me:hid/den@host"})

    assert "hid" not in f"{error.value.message} {error.value.help}".replace("is written", "")


def test_the_outbox_keeps_a_store_without_its_password(outbox: Path) -> None:
    folder = Folder.create(outbox, Store("http://me:hidden@host:5000", experiment="mine"), Owner.of(os.getpid()))

    assert folder.store == Store("http://host:5000", experiment="mine", is_locked=True)
    assert "hidden" not in folder.start.read_text()


@pytest.mark.parametrize(
    ("environment", "read"),
    [
        ({"MLFLOW_TRACKING_URI": "http://me:new@host:5000"}, Store("http://me:new@host:5000")),
        ({"MLFLOW_TRACKING_URI": "http://me:new@other:5000"}, Store("http://host:5000", is_locked=True)),
        ({"MLFLOW_TRACKING_URI": "http://host:5000"}, Store("http://host:5000", is_locked=True)),
        ({"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "new"}, Store("http://host:5000")),
    ],
)
def test_what_the_outbox_leaves_out_comes_from_the_environment_of_the_same_store(environment: dict[str, str], read: Store) -> None:
    assert Store.read(Store("http://me:hidden@host:5000").written, environment) == read


def test_an_end_without_a_store_says_that_the_password_is_not_kept(outbox: Path) -> None:
    recorder = Recorder.start(Store("http://me:hidden@127.0.0.1:9"), outbox=outbox)
    recorder.open("xor", "xor", {}, {})
    delivered = recorder.finish("FINISHED", "http://me:hidden@elsewhere refused", wait=5)

    assert "hidden" not in str(delivered)
    assert "`MLFLOW_TRACKING_URI` must give the user and the password again" in str(delivered.message)


def test_neither_lists_of_processes_nor_files_nor_outputs_hold_the_password(tmp_path: Path) -> None:
    uri = f"http://me:{SECRET}@127.0.0.1:9"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": uri, "XDG_STATE_HOME": str(tmp_path / "state")}
    spec = ROOT / "specs" / "hopfield_letters.yaml"
    process = subprocess.Popen(
        [sys.executable, "-m", "nnrun", str(spec)], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    seen: set[bytes] = set()
    while process.poll() is None:
        seen |= {arguments(pid) for pid in Path("/proc").glob("[0-9]*")}
        time.sleep(0.02)
    assert process.stdout is not None
    with process.stdout:
        said = process.stdout.read()
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]

    assert any(b"beside.sidecar" in words for words in seen)
    assert b"127.0.0.1:9" in said
    assert [text for text in (*seen, said, *files) if SECRET.encode() in text] == []


def arguments(process: Path) -> bytes:
    try:
        return process.joinpath("cmdline").read_bytes()
    except OSError:  # it has ended
        return b""
