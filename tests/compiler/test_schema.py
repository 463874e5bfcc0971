"""The JSON Schema: it is right, it is the one in the gallery, and an editor's language server understands it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nnrun.runner.compiler.language.schema import schema
from nnrun.runner.compiler.language.shipped import schema_text
from nnrun.runner.compiler.text.diagnostic import Report
from nnrun.runner.compiler.text.source import load_document

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
SERVER = "yaml-language-server@1.19.2"


@pytest.fixture(scope="module")
def validator() -> Any:
    made = schema()
    jsonschema.Draft7Validator.check_schema(made)
    return jsonschema.Draft7Validator(made)


def value(text: str) -> Any:
    return load_document(text, "spec.yaml", Report()).value


def test_the_gallery_holds_the_schema(update: bool) -> None:
    path = ROOT / "specs" / "spec.schema.json"
    text = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    if update:
        path.write_text(text)

    assert path.read_text() == text


@pytest.mark.parametrize("added", [(), ("a component of a package",)])
def test_the_file_is_what_is_given_out_unless_packages_add_something(added: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bool] = []
    monkeypatch.setattr("nnrun.runner.compiler.language.shipped.additions", lambda: added)
    monkeypatch.setattr("nnrun.runner.compiler.language.schema.schema", lambda: made.append(True) or {"made": "anew"})

    assert schema_text() == ('{\n  "made": "anew"\n}\n' if added else (ROOT / "specs" / "spec.schema.json").read_text())
    assert bool(made) == bool(added)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_of_the_gallery_names_the_schema_and_obeys_it(path: Path, validator: Any) -> None:
    text = path.read_text()

    assert text.startswith("# yaml-language-server: $schema=spec.schema.json\n")
    assert [error.message for error in validator.iter_errors(value(text))] == []


@pytest.mark.parametrize("page", sorted((ROOT / "runner" / "errors").glob("*.md")), ids=lambda page: page.stem)
def test_every_repaired_spec_obeys_the_schema(page: Path, validator: Any) -> None:
    repaired = page.read_text().rpartition("```yaml\n")[2].partition("```")[0]

    assert [error.message for error in validator.iter_errors(value(repaired))] == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("type: conv, filters: 32", "type: conf, filters: 32"),
        ("type: conv, filters: 32", "type: conv, filtres: 32"),
        ("type: conv, filters: 32", "type: conv, filters: many"),
        ("batch_size: 32", "batch_size: 0"),
        ("metrics: [accuracy, f1]", "metrics: [acuracy]"),
        ("source: digits", "source: digit"),
        ("  loss: {type: cross_entropy, input: scores,", "  loss: {type: cross_entropy,"),
    ],
)
def test_a_mistake_is_seen(good: str, bad: str, validator: Any) -> None:
    text = (ROOT / "specs" / "cnn_digits.yaml").read_text()
    assert good in text

    assert list(validator.iter_errors(value(text.replace(good, bad, 1))))


class Server:
    """A YAML language server, spoken to as an editor does."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen(["node", str(program), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.send(1, "initialize", {"processId": None, "rootUri": None, "capabilities": {"workspace": {"configuration": False}}})
        self.until(lambda message: message.get("id") == 1)
        self.send(None, "initialized", {})
        self.send(None, "workspace/didChangeConfiguration", {"settings": {"yaml": {"validate": True, "schemaStore": {"enable": False}}}})

    def findings(self, path: Path, text: str) -> list[tuple[int, str]]:
        """(line, message) of everything that is wrong with a text that stands at `path`; lines count from 1."""
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self.send(None, "textDocument/didOpen", {"textDocument": document})
        said = self.until(
            lambda message: message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == path.as_uri()
        )
        return [(one["range"]["start"]["line"] + 1, one["message"]) for one in said["params"]["diagnostics"]]

    def send(self, id: int | None, method: str, params: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", **({} if id is None else {"id": id}), "method": method, "params": params}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def until(self, wanted: Any) -> Any:
        assert self.process.stdout is not None
        while True:
            length = 0
            while (line := self.process.stdout.readline().strip()) or not length:
                assert self.process.poll() is None, "the server ended"
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            message = json.loads(self.process.stdout.read(length))
            if wanted(message):
                return message


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if shutil.which("npm") is None and not os.environ.get("CI"):
        pytest.skip("npm is not installed")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nnrun" / "tests"
    program = cache / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(cache), SERVER], check=True, capture_output=True
        )
    server = Server(program)
    yield server
    server.process.kill()
    server.process.communicate()


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        ("type: conv, filters: 32", "type: conf, filters: 32", "Valid values:"),
        ("type: conv, filters: 32", "type: conv, filtres: 32", "filtres"),
        ("type: conv, filters: 32", "type: conv, filters: many", "integer"),
    ],
)
def test_an_editor_shows_a_mistake_at_its_line(good: str, bad: str, words: str, server: Server, tmp_path: Path) -> None:
    shutil.copy(ROOT / "specs" / "spec.schema.json", tmp_path)
    text = (ROOT / "specs" / "cnn_digits.yaml").read_text().replace(good, bad, 1)
    line = next(number for number, one in enumerate(text.splitlines(), 1) if bad in one)

    found = server.findings(tmp_path / "spec.yaml", text)

    assert {place for place, _ in found} == {line}
    assert any(words in message for _, message in found)


def test_an_editor_shows_nothing_in_a_good_spec(server: Server, tmp_path: Path) -> None:
    shutil.copy(ROOT / "specs" / "spec.schema.json", tmp_path)

    assert server.findings(tmp_path / "spec.yaml", (ROOT / "specs" / "inception_digits.yaml").read_text()) == []
