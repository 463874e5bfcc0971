"""Specs from strangers: `check --untrusted` opens nothing but the spec, `smoke --untrusted` runs in a process that can do little."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from nnrun.runner import apart
from nnrun.runner.apart import environment, smoke_apart
from nnrun.runner.cli import main
from nnrun.runner.compiler.text.source import MAX_BYTES
from nnrun.runner.job import Job
from nnrun.runner.untrusted.inside import LeadsOut, read_inside
from tests.compiler.support import reviews, spec
from tests.tracking.support import ROOT

DATA = "{source: csv, file: table.csv, fields: {image: {type: image}, digit: {type: category}}}"

WATCHED = """
import atexit, os, sys
here, seen = os.getcwd(), set()
def hook(event, values):
    if event == "open" and isinstance(values[0], str) and os.path.isfile(values[0]) and os.path.abspath(values[0]).startswith(here):
        seen.add(os.path.basename(values[0]))
    if event.startswith(("socket.", "subprocess.", "os.system")):
        seen.add(event)
sys.addaudithook(hook)
atexit.register(lambda: print(sorted(seen)))
from nnrun.runner.cli import main
main(["check", "spec.yaml", *sys.argv[1:]])
"""
"""A check that says at its end which files of its folder it opened."""


def run(code: str, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, env=path, cwd=cwd, timeout=120)


@pytest.mark.parametrize(("words", "opened"), [([], "['spec.yaml', 'table.csv']"), (["--untrusted"], "['spec.yaml']")])
def test_a_check_without_trust_opens_the_spec_alone(words: list[str], opened: str, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(spec(data=DATA))
    (tmp_path / "table.csv").write_text("image,digit\n")

    assert run(WATCHED, *words, cwd=tmp_path).stdout.splitlines()[-1] == opened


def test_a_spec_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the secret")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "spec.yaml").symlink_to(tmp_path / "secret")

    trusted, untrusted = (CliRunner().invoke(main, ["check", str(tmp_path / "folder"), *words]) for words in ([], ["--untrusted"]))

    assert "the secret" in trusted.output
    assert untrusted.exit_code == 4
    assert "a link lies on the way" in untrusted.output
    assert "the secret" not in untrusted.output


def test_no_part_of_the_way_is_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.yaml").write_text("a")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "way").symlink_to(tmp_path / "outside")

    with pytest.raises(LeadsOut):
        read_inside(tmp_path / "inside", Path("way/a.yaml"), 10)


def test_the_way_to_the_folder_itself_is_the_users(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("abc")
    (tmp_path / "link").symlink_to(tmp_path)

    assert read_inside(tmp_path / "link", Path("a.yaml"), 2) == b"ab"


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")

    with pytest.raises(OSError, match="no plain file"):
        read_inside(tmp_path, Path("pipe.yaml"), 10)


@pytest.mark.parametrize("words", [[], ["--untrusted"]])
def test_no_more_of_a_spec_is_read_than_a_spec_may_hold(words: list[str], tmp_path: Path) -> None:
    with (tmp_path / "spec.yaml").open("wb") as file:
        file.truncate(1 << 40)  # a hole: it takes no room

    done = CliRunner().invoke(main, ["check", str(tmp_path / "spec.yaml"), *words])

    assert f"at most {MAX_BYTES} bytes" in done.output


SHUT = "from nnrun.runner.untrusted.shut import shut_in, forbid_sockets\nshut_in({memory}, {seconds})\n"


def test_a_process_that_is_shut_in_reaches_nobody() -> None:
    code = SHUT.format(memory=1 << 32, seconds=60) + "import socket; socket.create_connection(('127.0.0.1', 9))"

    assert "PermissionError" in run(code).stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel of Linux can refuse them")
def test_native_code_makes_no_socket_either() -> None:
    code = SHUT.format(memory=1 << 32, seconds=60) + (
        "import ctypes, errno; made = ctypes.CDLL(None, use_errno=True).socket(2, 1, 0); print(made, ctypes.get_errno() == errno.EACCES)"
    )

    assert run(code).stdout == "-1 True\n"


def test_its_children_are_shut_in_too() -> None:
    inner = "import socket\ntry:\n    socket.socket()\nexcept PermissionError:\n    print('refused')"
    code = SHUT.format(memory=1 << 32, seconds=60) + f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"

    assert run(code).stdout == "refused\n"


def test_its_memory_has_an_end() -> None:
    assert "MemoryError" in run(SHUT.format(memory=1 << 30, seconds=60) + "bytes(1 << 31)").stderr


def test_its_time_has_an_end() -> None:
    assert run(SHUT.format(memory=1 << 32, seconds=1) + "while True: pass").returncode < 0


def test_the_process_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@host")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    assert "secret" not in str(environment("/nowhere"))
    assert environment("/nowhere")["HOME"] == "/nowhere"


def test_smoke_without_trust_tries_a_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spec.yaml").write_text(spec())
    monkeypatch.chdir(tmp_path)

    done = CliRunner().invoke(main, ["smoke", "--untrusted", "spec.yaml"])

    assert done.output == "fine  spec.yaml\n"
    assert [file.name for file in tmp_path.iterdir()] == ["spec.yaml"]


def test_smoke_without_trust_reads_no_file_of_the_spec(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text("the secret")
    nodes = {"embed": "{type: embedding, units: 4}", "last": "{type: last}"}
    text = reviews(nodes, ["text -> embed -> last -> scores"]).replace("{type: text}", f"{{type: text, tokens: {tmp_path}/tokens.json}}")

    wrong = smoke_apart(Job(text, is_trusted=False))

    assert wrong is not None
    assert "data may be read from no folder only" in wrong
    assert "the secret" not in wrong


def test_smoke_without_trust_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS", 0.5)

    assert smoke_apart(Job(spec(), is_trusted=False)) == "it took longer than 0.5 seconds"
