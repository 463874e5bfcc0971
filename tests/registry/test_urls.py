"""Files elsewhere: fetched once, kept, and never where a spec is only looked at."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

from nnrun.registry.catalog import Lookup
from nnrun.registry.data.files import confined
from nnrun.registry.data.paths import urls
from nnrun.registry.source import Glance, Source, SourceError
from nnrun.runner.cli import main
from nnrun.runner.compiler.check import check
from tests.compiler.support import spec


def source(name: str, file: str, **options: Any) -> Source:
    made = Lookup("source").validate({"source": name, "file": file, **options})
    assert isinstance(made, Source)
    return made


class Server:
    """A server on this machine that knows a few files, and remembers what it was asked for."""

    def __init__(self) -> None:
        parquet = BytesIO()
        pq.write_table(pa.table({"x": [1, 2]}), parquet)
        files = {"/a.csv": b"x,y\n1,a\n2,b\n", "/b.csv": b"x,y\n3,a\n", "/a.parquet": parquet.getvalue()}
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                content = files.get(self.path.partition("?")[0])
                self.send_response(500 if "broken" in self.path else 404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"") + 5 * ("short" in self.path)))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, format: str, *values: Any) -> None:
                """Nothing."""

        self.asked = asked
        self.own = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.own.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.own.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.own.shutdown()
    thread.join()
    made.own.server_close()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "nnrun" / "urls"


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_a_file_is_fetched_once_and_is_a_file_as_any_other(server: Server, name: str, tmp_path: Path) -> None:
    for _ in range(2):
        made = source(name, f"{server.url}/a.{name}?key=1")
        assert [int(value) for value in made.load(tmp_path, ["x"])["all"]["x"]] == [1, 2]
        pieces = made.pieces(tmp_path, ["x"])
        assert pieces is not None
        assert pieces.rows == {"all": 2}
        assert [file.name for file in made.read_files(tmp_path)] == [f"a.{name}"]

    assert server.asked == [f"/a.{name}?key=1"]


def test_a_row_is_told_by_the_line_of_its_url(server: Server, tmp_path: Path) -> None:
    made = source("csv", f"{server.url}/a.csv")
    assert made.place(tmp_path, "all", 1) == f"row 2 of `{server.url}/a.csv`"
    assert not server.asked

    made.load(tmp_path, ["x"])
    assert made.place(tmp_path, "all", 1) == f"`{server.url}/a.csv:3`"


def test_what_is_cleared_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    for _ in range(2):
        source("csv", f"{server.url}/a.csv").load(tmp_path, ["x"])
        (row,) = json.loads(CliRunner().invoke(main, ["cache", "clear", "--json"]).output)
        assert (row["what"], row["bytes"]) == ("fetched a.csv", 12)

    assert server.asked == ["/a.csv", "/a.csv"]


def test_each_part_may_lie_elsewhere(server: Server, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("x\n4\n")
    files = {"train": f"{server.url}/a.csv", "valid": f"{server.url}/b.csv", "test": "c.csv"}
    made = Lookup("source").validate({"source": "csv", "files": files})
    assert isinstance(made, Source)

    assert {part: table["x"] for part, table in made.load(tmp_path, ["x"]).items()} == {"train": ["1", "2"], "valid": ["3"], "test": ["4"]}


def test_neither_a_check_nor_a_spec_that_is_not_trusted_opens_a_url(server: Server, tmp_path: Path) -> None:
    url = f"{server.url}/a.csv"
    text = spec(data=f"{{source: csv, file: '{url}', fields: {{image: {{type: image}}, digit: {{type: category}}}}}}")

    assert "missing-file" not in check(text, folder=tmp_path).report.ids
    assert source("csv", url).glance(tmp_path) == Glance()
    with confined(tmp_path):
        for is_kept in (False, True):
            if is_kept:
                urls.kept(url).parent.mkdir(parents=True)
                urls.kept(url).write_text("x\n1\n")
            with pytest.raises(SourceError, match="a spec that is not trusted fetches nothing"):
                source("csv", url).load(tmp_path, ["x"])
    assert not server.asked


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/none.csv", "none.csv` does not exist"),
        ("/broken.csv", "broken.csv` cannot be fetched: 500, message='Internal Server Error'"),
        ("/a.csv?short", "a.csv?short` cannot be fetched: "),
    ],
)
def test_what_does_not_come_is_refused_and_not_kept(server: Server, own_cache: Path, tmp_path: Path, path: str, said: str) -> None:
    with pytest.raises(SourceError) as caught:
        source("csv", server.url + path).load(tmp_path, ["x"])

    assert said in caught.value.message
    assert caught.value.help
    assert not list(own_cache.glob("*/*"))


def test_no_network_is_said_with_a_way_without_one(server: Server, tmp_path: Path) -> None:
    server.own.socket.close()  # nobody listens there any more
    url = f"http://127.0.0.1:{server.own.server_port}/a.csv"
    with pytest.raises(SourceError, match="cannot be fetched: Cannot connect to host") as caught:
        source("csv", url).load(tmp_path, ["x"])

    assert caught.value.help == f"try again with a network and the right to read it; or save the file as `{urls.kept(url)}`"


def test_a_file_that_is_too_large_is_refused(server: Server, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls, "LARGEST", 11)
    with pytest.raises(SourceError, match=r"a\.csv` has more than 11 bytes"):
        source("csv", f"{server.url}/a.csv").load(tmp_path, ["x"])

    assert not list(own_cache.glob("*/*"))


@pytest.mark.parametrize("url", ["file:///etc/a.csv", "local:///a.csv", "memory://a.csv", "zip://a.csv::file:///b.zip", "https://a.b/c::d"])
def test_only_urls_that_lead_away_are_fetched(url: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is no URL that is fetched"):
        source("csv", url).load(tmp_path, ["x"])


def test_other_kinds_of_storage_come_through_fsspec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_registry, "gs", MemoryFileSystem)  # as if it were the package for Google's
    MemoryFileSystem().pipe_file("gs://bucket/a.csv", b"x\n7\n")

    assert source("csv", "gs://bucket/a.csv").load(tmp_path, ["x"]) == {"all": {"x": ["7"]}}


@pytest.mark.parametrize("package", ["fsspec", "aiohttp"])
def test_a_missing_package_is_named_with_the_command_that_brings_it(package: str, tmp_path: Path) -> None:
    script = f"""
import sys
sys.modules["{package}"] = None  # as Python marks a module that cannot be imported
from pathlib import Path
from nnrun.registry.data.paths.urls import fetched
from nnrun.registry.source import SourceError
try:
    fetched("https://127.0.0.1/a.csv")
except SourceError as error:
    print(error.message, "|", error.help)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("`https://127.0.0.1/a.csv` needs a package that is not installed: ")
    assert package in done.stdout
    assert 'pip install "nnrun[remote]"' in done.stdout
