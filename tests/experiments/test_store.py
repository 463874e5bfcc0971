"""`nnrun runs` and `nnrun compare` on a real store with real small runs."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import nnrun
from nnrun.runner.cli import main
from nnrun.runner.cli.comparing import complete
from tests.tracking.support import ROOT, copied

RATES, SEEDS = (0.002, 0.02), (1, 2, 3)


@pytest.fixture(scope="module")
def folder(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Six runs: two learning rates, three seeds each, three epochs."""
    folder = tmp_path_factory.mktemp("digits")
    shutil.copy(ROOT / "specs" / "mlp_digits.yaml", folder)
    copied(template, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for rate in RATES:
            for seed in SEEDS:
                settings = {"train.epochs": 3, "train.optimizer.lr": rate, "track.baseline": "simple"}
                nnrun.run("mlp_digits.yaml", set=settings, seed=seed)
        yield folder


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="nnrun")


def ids(rate: float) -> list[str]:
    listed = json.loads(invoke("runs", "mlp_digits", "--json").stdout)
    return [run["run_id"] for run in listed if run["params"]["train.optimizer.lr"] == str(rate)]


def test_runs_are_listed_with_what_differs_the_best_first(folder: Path) -> None:
    listed = json.loads(invoke("runs", "--json").stdout)
    figures = [run["figures"]["valid/best_accuracy"] for run in listed]

    assert len(listed) == 6
    assert figures == sorted(figures, reverse=True)
    assert {"train.optimizer.lr", "train.seed"} == {name for run in listed for name in run["params"]}
    assert {run["status"] for run in listed} == {"FINISHED"}


def test_runs_can_be_asked_for_by_spec_by_experiment_or_by_a_filter(folder: Path) -> None:
    condition = "params.`train.seed` = '2' AND metrics.`test/accuracy` > 0.5"

    assert len(json.loads(invoke("runs", "mlp_digits.yaml", "--json").stdout)) == 6
    assert len(json.loads(invoke("runs", "mlp_digits", "--json").stdout)) == 6
    assert len(json.loads(invoke("runs", condition, "--json").stdout)) == 2


def test_the_table_fits_a_terminal_and_names_what_differs(folder: Path) -> None:
    result = invoke("runs", "mlp_digits", "--limit", "2")

    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 120
    assert "0.02" in result.stdout
    assert "2 of 6 runs" in result.stdout
    assert "\x1b" not in result.stdout


def test_csv_has_a_row_for_each_run(folder: Path) -> None:
    heading, *rows = csv.reader(io.StringIO(invoke("runs", "--csv").stdout))

    assert len(rows) == 6
    assert heading[:5] == ["run_id", "name", "experiment", "status", "began"]
    assert {"train.optimizer.lr", "test/accuracy"} <= set(heading)


def test_groups_of_an_experiment_are_compared_on_equal_seeds(folder: Path) -> None:
    found = json.loads(invoke("compare", "mlp_digits", "--json").stdout)

    assert sorted(group["name"] for group in found["groups"]) == ["lr=0.002", "lr=0.02"]
    assert [group["seeds"] for group in found["groups"]] == [[1, 2, 3]] * 2
    (pair,) = found["pairs"]
    assert (pair["test"], pair["count"]) == ("paired", 3)
    means = {group["name"]: group["figures"]["test/accuracy"]["mean"] for group in found["groups"]}
    assert pair["difference"] == pytest.approx(means["lr=0.02"] - means["lr=0.002"])


def test_two_single_runs_are_compared_on_their_examples(folder: Path) -> None:
    slow, fast = ids(0.002)[0], ids(0.02)[0]
    accuracy, f1 = (
        json.loads(invoke("compare", slow, fast[:10], "--metric", name, "--json").stdout)["pairs"][0] for name in ("accuracy", "f1")
    )

    assert (accuracy["test"], accuracy["count"]) == ("mcnemar", 359)
    assert accuracy["difference"] == pytest.approx((accuracy["wins"] - accuracy["losses"]) / 359)
    assert (f1["test"], f1["why_not"]) == ("bootstrap", None)
    assert f1["interval"][0] < f1["difference"] < f1["interval"][1]


def test_a_comparison_begins_with_its_verdict(folder: Path) -> None:
    first, *_ = invoke("compare", "mlp_digits").stdout.splitlines()

    assert "points better than lr=0.0" in first
    assert "3 seeds" in first


def test_a_spec_file_stands_for_its_latest_group(folder: Path) -> None:
    found = json.loads(invoke("compare", "mlp_digits.yaml", ids(0.002)[0], "--json").stdout)

    assert sorted(len(group["runs"]) for group in found["groups"]) == [1, 3]
    assert "and fewer than three of each say nothing of chance" in found["pairs"][0]["why_not"]


def test_what_is_not_there_is_said_with_what_is(folder: Path) -> None:
    result = invoke("compare", "mlp_digit", "mlp_digits")

    assert result.exit_code == 4
    assert "an experiment `mlp_digits` exists" in result.output


def test_a_filter_that_mlflow_does_not_understand_is_explained(folder: Path) -> None:
    result = invoke("runs", "metrics.accuracy >")

    assert result.exit_code == 4
    assert "MLflow does not understand the filter" in result.output


def test_without_a_store_none_is_made(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke("runs")

    assert result.exit_code == 4
    assert "no run is recorded here: there is no `mlflow.db`" in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_shell_completes_experiments(folder: Path) -> None:
    command = main.get_command(main.make_context("nnrun", ["runs"]), "runs")
    assert command is not None
    context = command.make_context("runs", [])

    assert [item.value for item in complete(context, command.params[0], "mlp")] == ["mlp_digits"]
