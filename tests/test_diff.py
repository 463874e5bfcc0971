"""`nnrun diff` as people use it: files, standard input, settings and recorded runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nnrun.runner.cli import main
from tests.test_cli import IRIS
from tests.test_exit_codes import call
from tests.tracking.support import copied

CHANGED = IRIS.replace("units: 8", "units: 16").replace("hidden", "inner")


@pytest.fixture(scope="module")
def folder(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two specs, and a store with a finished run of the first, trained for two epochs."""
    place = tmp_path_factory.mktemp("diff")
    (place / "iris.yaml").write_text(IRIS)
    (place / "changed.yaml").write_text(CHANGED)
    copied(template, place)
    assert call(place, "run", "iris.yaml", "--set", "train.epochs=2", "--quiet").returncode == 0
    return place


@pytest.fixture(autouse=True)
def _here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def diff(*words: str, **more: str) -> Result:
    return CliRunner().invoke(main, ["diff", *words], **more)  # type: ignore[arg-type]


def test_diff_prints_what_differs_in_groups() -> None:
    assert diff("iris.yaml", "changed.yaml", "--set", "train.epochs=7").output == (
        "iris.yaml -> changed.yaml --set train.epochs=7\n"
        "\n"
        "names\n"
        "  = hidden is now inner\n"
        "\n"
        "nodes\n"
        "  ~ inner: units: 8 -> 16\n"
        "\n"
        "training\n"
        "  ~ epochs: 5 -> 7\n"
        "\n"
        "size\n"
        "  ~ inner gives (N=8) -> (N=16)\n"
        "  ~ inner: 40 -> 80 (+40)\n"
        "  ~ scores: 27 -> 51 (+24)\n"
        "  ~ parameters: 67 -> 131 (+64)\n"
    )


def test_diff_of_a_spec_and_settings_says_what_they_would_change() -> None:
    assert diff("iris.yaml", "--set", "train.optimizer.lr=1e-3").output.splitlines()[2:] == ["training", "  ~ optimizer.lr: 0.01 -> 0.001"]


def test_diff_compares_a_run_by_what_it_was_trained_by() -> None:
    assert diff("iris", "iris.yaml").output.splitlines()[2:] == ["training", "  ~ epochs: 2 -> 5"]
    assert diff("iris", "iris.yaml", "--set", "train.epochs=2").output.splitlines()[2:] == ["no difference"]


def test_diff_reads_one_spec_from_standard_input() -> None:
    assert diff("-", "iris.yaml", input=IRIS.replace("# ", "#  ")).output.splitlines()[2:] == ["no difference"]


def test_diff_prints_json() -> None:
    value = json.loads(diff("iris.yaml", "changed.yaml", "--json").output)

    assert (value["before"], value["after"], value["same"]) == ("iris.yaml", "changed.yaml", False)
    assert value["renamed"] == {"hidden": "inner"}
    assert value["nodes"] == [{"path": "inner.units", "before": 8, "after": 16}]
    assert value["parameters"]["after"] == 131


def test_diff_colours_lines_by_their_sign_unless_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = diff("iris.yaml", "changed.yaml").output
    monkeypatch.setenv("NO_COLOR", "1")

    assert "  \x1b[33m~ inner: units: 8 -> 16\x1b[0m\n" in coloured
    assert "\x1b" not in diff("iris.yaml", "changed.yaml").output


def test_diff_says_what_is_wrong_with_a_spec_that_has_errors(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(IRIS.replace("units: 8", "units: 0"))
    result = diff("iris.yaml", str(tmp_path / "wrong.yaml"))

    assert result.exit_code == 1
    assert "wrong.yaml:10:" in result.stderr
    assert result.stdout == ""


def test_diff_names_a_run_that_kept_no_spec(folder: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient("sqlite:///mlflow.db")
    run = client.create_run("0", run_name="bare")
    result = diff(run.info.run_id, "iris.yaml")

    assert result.exit_code == 4
    assert "run `bare` has no `spec/resolved.yaml`" in result.stderr


def test_both_graphs_are_drawn_in_one_picture_with_what_differs_marked() -> None:
    renamed = IRIS.replace("hidden", "inner").replace("scores", "said")
    Path("renamed.yaml").write_text(renamed)
    same, other = diff("iris.yaml", "renamed.yaml", "--graph", "svg").output, diff("iris.yaml", "changed.yaml", "--graph", "svg").output

    assert (same.count(">inner<"), same.count(">hidden<"), same.count(">changed<")) == (1, 0, 0)
    assert (other.count(">inner<"), other.count(">hidden<"), other.count(">changed<")) == (1, 0, 1)
    assert "linear, units 16, tanh" in other
    assert diff("iris.yaml", "changed.yaml", "--graph", "svg", "--json").exit_code == 2
