"""The campaign on a team's store, in short, and how `nnrun serve` begins and ends."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import HTTPErrorProcessor, Request, build_opener

import psutil
import pytest
import yaml
from click.testing import CliRunner

from nnrun.runner.cli import main
from nnrun.runner.tracking.store import StoreError
from nnrun.runner.tracking.team import postgres, serve
from nnrun.runner.tracking.team.serve import COMPOSE, Endpoint, options, serving
from nnrun.runner.tracking.ui import free_port
from tests.cluster.served import ACCOUNT, END, Served, alive, team
from tests.cluster.team_store import at_once, swept
from tests.tracking.support import ROOT

USER = ACCOUNT[-1] if ACCOUNT else None

needed = pytest.mark.skipif(
    not os.environ.get("CI") and not any(any(Path("/").glob(f"{folder}/postgres")) for folder in postgres.PACKAGED),
    reason="no PostgreSQL here: apt-get install -y --no-install-recommends postgresql",
)


class Every(HTTPErrorProcessor):
    """Takes a refusal for an answer like any other."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with team() as store:
        store.options = ("--address", "http://runs.example.org:5000", "--workers", "1")
        store.start()
        yield store


@pytest.fixture
def endpoint(served: Served) -> Endpoint:
    return Endpoint(port=free_port("127.0.0.1", 0), workers=1)


@needed
def test_eight_runs_at_once_lose_nothing_when_the_store_is_killed(served: Served, tmp_path: Path) -> None:
    assert list(at_once(served, tmp_path, 8, kill=True)) == []


@needed
def test_a_sweep_of_two_workers_is_all_there(served: Served, tmp_path: Path) -> None:
    assert list(swept(served, tmp_path, 2, kill=False)) == []


@needed
def test_no_list_of_processes_shows_the_password(served: Served) -> None:
    password = (served.folder / "password").read_text().strip()
    words = [word for process in served.processes() for word in process.cmdline()]

    assert "postgres" in " ".join(words)
    assert len(password) > 20
    assert not any(password in word for word in words)
    assert (served.folder / "password").stat().st_mode & 0o777 == 0o600
    assert password not in (served.folder / "mlflow.log").read_text() + (served.folder / "postgres.log").read_text()


@needed
@pytest.mark.parametrize(
    ("host", "origin", "code"),
    [
        ("runs.example.org:5000", "http://runs.example.org:5000", 200),
        ("localhost:5000", "http://localhost:5000", 200),
        ("evil.example.org", "http://runs.example.org:5000", 403),
        ("runs.example.org:5000", "http://evil.example.org", 403),
    ],
)
def test_the_server_answers_those_who_reach_it_by_its_address(served: Served, host: str, origin: str, code: int) -> None:
    asked = Request(
        f"{served.uri}/ajax-api/2.0/mlflow/experiments/search",
        b'{"max_results": 1}',
        {"Host": host, "Origin": origin, "Content-Type": "application/json"},
    )
    answers = build_opener(Every)
    with answers.open(asked, timeout=20) as answer:
        assert answer.status == code


@needed
def test_a_folder_is_served_once(served: Served, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "AFTER", 0.5)

    with pytest.raises(StoreError, match="is served already"), serving(served.folder, endpoint, USER):
        pass


@needed
def test_a_port_that_is_taken_is_said() -> None:
    with team() as store, socket.socket() as other:
        other.bind(("127.0.0.1", store.port))
        other.listen()
        _, complaint = store.begin().communicate(timeout=END)

        assert f"error[no-store]: port {store.port} is taken on `127.0.0.1`" in complaint.decode()
        assert sorted(path.name for path in store.folder.iterdir()) == ["lock"]


@needed
def test_a_database_that_was_half_made_is_made_anew_with_the_password_that_is_given(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where one of the two programs dies, so does the other."""
    with team() as store:
        draft = store.folder / "database.new"
        draft.mkdir(parents=True)
        (draft / "PG_VERSION").write_text("1")
        both: list[psutil.Process] = []

        def kill(address: str) -> None:
            both.extend(child for child in psutil.Process().children() if str(store.folder) in " ".join(child.cmdline()))
            next(child for child in both if child.name() == "postgres").kill()

        monkeypatch.setenv("PGPASSWORD", "it's mine")
        with pytest.raises(StoreError, match="PostgreSQL ended by itself with code -9"):
            serve.serve(store.folder, endpoint, USER, say=kill)
        monkeypatch.delenv("PGPASSWORD")
        assert alive(both) == []
        assert sorted(path.name for path in store.folder.iterdir()) == ["database", "lock", "mlflow.log", "postgres.log"]

        with pytest.raises(StoreError, match=r"the password of the database in .* is missing"), serving(store.folder, endpoint, USER):
            pass
        wrong = os.environ | {"PGPASSWORD": "another"}
        with pytest.raises(StoreError, match="has another password"), serving(store.folder, endpoint, USER, wrong):
            pass


@needed
def test_neither_a_kill_nor_a_signal_leaves_a_process_behind(served: Served) -> None:
    """Of a kill the kernel tells the others, on Linux; the next start waits for them."""
    killed = served.processes()
    killed[0].kill()
    served.forget()
    served.start()
    assert len(killed) > 5
    assert alive(killed) == []

    ended = served.processes()
    assert served.stop() == 143
    assert alive(ended) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_root_is_told_to_name_another_user(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["serve", str(tmp_path / "store")])

    assert result.exit_code == 4
    assert "PostgreSQL refuses to run as root" in result.output
    assert "`--user postgres`" in result.output
    assert not (tmp_path / "store").exists()


def test_a_machine_without_postgresql_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "PACKAGED", ())
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(StoreError, match="PostgreSQL is not installed here") as missing:
        postgres.Database(tmp_path / "database", "secret").make()
    assert missing.value.help == "Debian's package is `postgresql`"
    assert list(tmp_path.iterdir()) == []


def test_other_machines_are_told_a_name_that_they_reach() -> None:
    assert Endpoint().uri == "http://127.0.0.1:5000"
    assert Endpoint("0.0.0.0", 5001).uri == f"http://{socket.gethostname()}:5001"
    assert Endpoint("0.0.0.0", address="https://runs.example.org/").uri == "https://runs.example.org"


def test_the_compose_file_calls_the_server_as_the_command_does() -> None:
    printed = CliRunner().invoke(main, ["serve", "--compose"]).output
    services = yaml.safe_load(printed)["services"]
    pinned = (ROOT / "constraints.txt").read_text().splitlines()

    assert printed == COMPOSE.read_text()
    assert services["server"]["command"] == ["mlflow", *options("0.0.0.0", 5000, 2, "/artifacts")]
    assert [word in pinned for word in services["server"]["build"]["dockerfile_inline"].split() if "==" in word] == [True, True]
    assert set(Endpoint().settings) < set(services["server"]["environment"])
