"""What others wrote never steers a terminal: findings, tables, lines of the display and errors hold no sign that is not seen."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.table import Table

from nnrun.runner.cli import main
from nnrun.runner.cli.console import failures, warn
from nnrun.runner.compiler.text.visible import as_json_text, visible
from nnrun.runner.display import Display
from nnrun.runner.face.printed import printed
from nnrun.runner.job import SpecNotFound
from tests.compiler.support import document, spec
from tests.tracking.support import ROOT

BAD = "a\x1b]0;owned\x07b\x9b2Jc\u202ed\u2066e\rf\x00"
"""Sets the title, clears the screen in one byte, turns the order round, goes back to the beginning of the line."""
SEEN = r"a\x1b]0;owned\x07b\x9b2Jc\u202ed\u2066e\rf\x00".replace(r"\r", r"\x0d")
YAML = json.dumps(BAD)


def test_signs_that_are_not_seen_are_written_out() -> None:
    assert visible(BAD) == SEEN


@pytest.mark.parametrize("text", ["a line\n\tanother", "Grüße, 日本語 \u3000", "\u0645\u06cc\u200c\u062e", "👩\u200d🔬"])
def test_what_people_write_stays(text: str) -> None:
    assert visible(text) == text


def test_json_escapes_them_and_holds_the_same_value() -> None:
    text = as_json_text({"a": BAD, "é": "日本 \U000e0001"})

    assert visible(text) == text
    assert json.loads(text) == {"a": BAD, "é": "日本 \U000e0001"}
    assert "日本" in text


@pytest.mark.parametrize("how", [[], ["--json"], ["--format", "github"]])
def test_findings_are_seen_whole(how: list[str], tmp_path: Path) -> None:
    file = tmp_path / f"{BAD.replace(chr(0), '')}.yaml"
    text = spec({"hidden": f"{{type: {YAML}, units: 3}}"}, more=f"{YAML}: 1\ntrack: {{tags: {{a: 3}}, # \u202e\n  every: x}}\n")
    file.write_text(text, encoding="utf-8")

    done = CliRunner().invoke(main, ["check", str(file), *how])

    assert done.exit_code == 1
    assert visible(done.output) == done.output
    assert "owned" in done.output


@pytest.mark.parametrize("words", [["show", "--resolved"], ["show"], ["show", "--graph", "text"], ["show", "--graph", "svg"]])
def test_a_spec_is_shown_without_them(words: list[str], tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(spec(more=f"description: {YAML}\ntrack: {{tags: {{a: {YAML}}}}}\n"), encoding="utf-8")

    done = CliRunner().invoke(main, [*words, str(file)])

    assert done.exit_code == 0, done.output
    assert visible(done.output) == done.output


def test_a_resolved_spec_means_the_same(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(spec(more=f"description: {json.dumps(f'two{chr(10)}lines {BAD}')}\n"), encoding="utf-8")

    shown = CliRunner().invoke(main, ["show", "--resolved", str(file)]).output

    assert document(shown).value["description"] == f"two\nlines {BAD}"


def test_the_display_takes_them_for_text() -> None:
    stream = io.StringIO()

    Display(Console(file=stream, force_terminal=True)).say(f"{BAD} [red]not markup[/]", style="yellow")

    assert stream.getvalue() == f"\x1b[33m{SEEN} [red]not markup[/]\x1b[0m\n"


def test_tables_show_them() -> None:
    table = Table("a")
    table.add_row(BAD.replace("\r", ""))

    assert visible(text := printed(table)) == text
    assert r"\x9b2Jc\u202ed" in text


def test_errors_and_warnings_show_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), failures():
        raise SpecNotFound(BAD, BAD)
    warn(BAD)

    said = capsys.readouterr().err
    assert said.count(SEEN) == 3
    assert BAD not in said


def test_a_word_that_is_no_verb_is_shown_with_them() -> None:
    done = CliRunner().invoke(main, [BAD])

    assert SEEN in done.output
    assert visible(done.output) == done.output


def test_verbs_print_by_say() -> None:
    files = [file for file in sorted((ROOT / "runner" / "cli").glob("*.py")) if file.stem not in ("console", "diff")]

    assert [file.name for file in files if "click.echo" in file.read_text(encoding="utf-8")] == []
