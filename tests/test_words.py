"""What the command says, and how it looks in a terminal, a pipe and a narrow window."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nnrun.runner.cli import main
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.text.render import render_text
from tests.compiler.support import spec

WRONG = spec({"scores": "{type: linear, units: digit, bias: true, activation: softmx, freeze: false, init: xavier}"})


def invoke(*arguments: str, **options: object) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="nnrun", **options)  # type: ignore[arg-type]


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG)
    return str(path)


@pytest.mark.parametrize(
    ("option", "setting"),
    [
        (["--epochs", "3"], "train.epochs=3"),
        (["--batch-size=8"], "train.batch_size=8"),
        (["--lr", "0.1"], "train.optimizer.lr=0.1"),
        (["--learning-rate", "0.1"], "train.optimizer.lr=0.1"),
    ],
)
@pytest.mark.parametrize("verb", [[], ["run"], ["check"]])
def test_a_key_of_the_spec_as_an_option_is_answered_with_its_setting(verb: list[str], option: list[str], setting: str, wrong: str) -> None:
    result = invoke(*verb, wrong, *option)

    assert result.exit_code == 2
    assert f"`--set {setting}`" in result.output


def test_a_folder_is_called_a_folder(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(WRONG)
    result = invoke("show", str(tmp_path))

    assert result.exit_code == 2
    assert f"`{tmp_path}` is a folder of 2 specs" in result.output


def test_an_id_is_named_once_however_often_it_is_found(wrong: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(WRONG.replace("softmx", "softmx, lrr: 1, unitss: 2"))

    assert invoke("check", wrong).output.count("nnrun explain unknown-key") == 1


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_gets_the_colours_that_it_asks_for(environment: dict[str, str], coloured: bool, wrong: str) -> None:
    assert ("\x1b" in invoke("check", wrong, color=True, env={"NO_COLOR": None, "TERM": "xterm"} | environment).output) == coloured


def test_force_color_colours_a_pipe(wrong: str) -> None:
    assert "\x1b" in invoke("check", wrong, env={"FORCE_COLOR": "1", "NO_COLOR": None, "TERM": "xterm"}).output


@pytest.mark.parametrize("width", [40, 60, 80])
def test_an_excerpt_fits_the_width_and_marks_the_same_word(width: int) -> None:
    checked = check(WRONG)
    lines = [line for line in render_text(checked.report, checked.document, width=width).splitlines() if " | " in line]
    (carets,) = [line for line in lines if "^" in line]
    (source,) = [line for line in lines if "softmx" in line and "^" not in line]

    assert max(map(len, lines)) <= width
    assert source[carets.index("^") : carets.rindex("^") + 1] == "softmx"
    assert "…" in source


@pytest.mark.parametrize(
    "edge", ["image ->\n      flat ->\n      scorse", ">-\n      image -> flat ->\n      scorse", '"image ->\n      scorse"']
)
def test_a_folded_text_shows_its_place(edge: str) -> None:
    checked = check(spec(edges=[edge]))
    span = next(checked.document.span(finding.at) for finding in checked.report if "scorse" in finding.headline)

    assert span.text.lines[span.line - 1][span.column - 1 : span.end_column - 1] == "scorse"
