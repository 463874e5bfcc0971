"""Completion in the shell, as bash asks for it; and help whose lines are whole."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from click import Context
from click.shell_completion import BashComplete, ZshComplete
from click.testing import CliRunner

from nnrun.runner.cli import main
from tests.test_cli import IRIS


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "iris.yaml").write_text(IRIS)
    (tmp_path / "specs" / "notes.md").write_text("")
    (tmp_path / "other").mkdir()
    (tmp_path / "my.yaml").write_text(IRIS)
    monkeypatch.chdir(tmp_path)


def offered(words: str, monkeypatch: pytest.MonkeyPatch, shell: type[BashComplete | ZshComplete] = BashComplete) -> list[str]:
    """What is offered at the end of a command line; bash parts words at `=`."""
    count = len(words.split()) - (not words.endswith(" "))
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(count))
    complete = shell(main, {}, "nnrun", "_NNRUN_COMPLETE")
    return [item.value for item in complete.get_completions(*complete.get_completion_args())]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("nnrun check ", ["my.yaml", "other/", "specs/"]),
        ("nnrun check sp", ["specs/", "specs/iris.yaml"]),  # the only one, with what it holds: bash adds no space
        ("nnrun specs/", ["specs/iris.yaml"]),
        ("nnrun sh", ["show"]),
        ("nnrun show missing/", []),
        ("nnrun find-lr my", ["my.yaml"]),
        ("nnrun run my.yaml --set train.optimizer.b", ["train.optimizer.betas="]),
        ("nnrun my.yaml --set nodes.s", ["nodes.scores"]),
        ("nnrun my.yaml --set train.early_stopping.p", ["train.early_stopping.patience=", "train.early_stopping.patience=3"]),
        ("nnrun my.yaml --set data.fields.measures.normalize = m", ["minmax"]),
        ("nnrun my.yaml --set train.shuffle =", ["true", "false"]),
        ("nnrun my.yaml --set train.optimizer = ada", ["adadelta", "adagrad", "adam", "adamax", "adamw"]),
        ("nnrun my.yaml --device c", ["cpu", "cuda", "cuda:0"]),
        ("nnrun check my.yaml --format ", ["text", "github"]),
        ("nnrun explain early", ["early_stopping"]),
        ("nnrun new x --from elm", ["elman_sunspots"]),
    ],
)
def test_what_may_follow_is_offered(words: str, wanted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = offered(words, monkeypatch)

    assert found == wanted if "nodes.s" not in words else found[0] == "nodes.scores" and "nodes.scores.units" in found


def test_a_shell_that_parts_no_words_at_the_sign_is_offered_whole_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    found = offered("nnrun my.yaml --set train.optimizer.type=ada", monkeypatch, ZshComplete)

    assert found == [f"train.optimizer.type={name}" for name in ("adadelta", "adagrad", "adam", "adamax", "adamw")]


@pytest.mark.parametrize("width", [80, 100])
def test_the_help_says_the_first_sentence_of_every_verb_whole(width: int) -> None:
    said = CliRunner().invoke(main, ["--help"], terminal_width=width).stdout

    assert max(map(len, said.splitlines())) <= width
    blocks = re.split(r"\n  (?=\S)", said.partition("Commands:")[2])[1:]
    assert len(blocks) == len(main.commands) == len(main.list_commands(Context(main)))
    for block in blocks:
        name, told = block.split(maxsplit=1)
        paragraph = inspect.cleandoc(main.commands[name].help or "").split("\n\n")[0]
        assert told.rstrip().endswith(".")
        assert not told.rstrip().endswith("..")
        assert squeezed(paragraph).startswith(squeezed(told))


def squeezed(text: str) -> str:
    """Without white space: a line may be broken at a hyphen."""
    return "".join(text.split())
