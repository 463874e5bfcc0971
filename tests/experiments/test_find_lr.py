"""`nnrun find-lr`: a rate is suggested, recorded, and in nobody's way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from mlflow import MlflowClient

from nnrun.runner.cli import main
from nnrun.runner.engine.training.fit import fit
from nnrun.runner.engine.training.rates import LEAST, MOST, OVER, STEPS, RangeTest, Rates
from nnrun.runner.tracking.runs import find_run, previous_run
from nnrun.runner.tracking.store import Store
from tests.engine.support import CPU, Watcher, build
from tests.test_cli import IRIS
from tests.tracking.support import copied

LINE = """
nnrun: 1
name: line
data:
  source: {source: csv, file: data.csv}
  fields: {x: {type: number}, y: {type: number}}
  split: {valid: 0, test: 0}
nodes: {out: {type: linear, units: 1, bias: false}}
edges: [x -> out]
train: {loss: {type: mse, input: out, target: y}, optimizer: {type: sgd}, batch_size: 10, schedule: {type: cosine}}
"""


def found(x: list[float], y: list[float]) -> tuple[Rates, Watcher]:
    built = build(LINE, {"x": x, "y": y})
    learner, watcher = RangeTest(built.network, built.plan, built.data, CPU), Watcher()
    fit(learner, watcher, 1)
    return learner.found, watcher


def test_rates_grow_by_a_factor_whatever_the_schedule_of_the_spec_says() -> None:
    rates = found([1.0, -1.0] * 50, [3.0, -3.0] * 50)[0].rates

    assert rates[0] == LEAST
    assert rates[1] / rates[0] == pytest.approx((MOST / LEAST) ** (1 / (STEPS - 1)))
    assert rates[-1] / rates[-2] == pytest.approx(rates[1] / rates[0])


def test_the_suggestion_lies_below_the_rate_at_which_descent_diverges() -> None:
    # with x = 1 or -1 the loss is (w - 3)^2 and noise: a step goes to w - 2 lr (w - 3), which comes nearer for lr < 1 only
    x, noise = np.array([1.0, -1.0] * 50), np.random.default_rng(0).normal(size=100)
    rates, _ = found(x.tolist(), (3 * x + 0.3 * noise).tolist())

    assert rates.suggestion is not None
    assert 0.01 < rates.suggestion < 0.5
    assert len(rates.rates) < STEPS
    assert rates.smoothed[-1] > OVER * min(rates.smoothed)
    assert rates.rates[-1] > 1


def test_a_smoothed_loss_is_the_mean_of_all_before_it_with_weights_that_fall_by_a_tenth() -> None:
    rates, watcher = found([1.0, -1.0] * 50, [3.0, -3.0] * 50)
    weights = [0.9**age for age in range(3)]
    third = sum(weight * loss for weight, loss in zip(weights, reversed(rates.losses[:3]), strict=True)) / sum(weights)

    assert rates.smoothed[2] == pytest.approx(third)
    assert [figures["find_lr/loss"] for _, figures in watcher.said if "find_lr/loss" in figures] == list(rates.losses)
    assert {name for _, figures in watcher.said for name in figures if name.startswith("find_lr/")} >= {"find_lr/lr", "find_lr/loss"}


@pytest.mark.parametrize(
    ("losses", "suggestion"),
    [
        ([2.0] * 20 + [1.0, 0.5, 3.0], 0.1),  # the lowest at the rate 1.0
        ([2.0] * 23, None),
        ([2.0, 1.9] * 10 + [1.9, 1.92, 3.0], None),  # within what the first steps spread
        ([], None),
    ],
)
def test_the_suggestion_is_a_tenth_of_the_rate_with_the_lowest_loss(losses: list[float], suggestion: float | None) -> None:
    rates = ([1e-6] * 20 + [0.5, 1.0, 2.0])[: len(losses)]

    assert Rates(tuple(rates), tuple(losses), tuple(losses)).suggestion == suggestion


def test_what_no_rate_can_learn_has_no_suggestion() -> None:
    assert found([0.0] * 100, [3.0, -3.0] * 50)[0].suggestion is None


@pytest.fixture
def folder(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris.yaml").write_text(IRIS)
    copied(template, tmp_path)
    return tmp_path


def nnrun(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_a_test_is_a_run_that_others_are_not_compared_with(folder: Path) -> None:
    first = json.loads(nnrun("run", "iris.yaml", "--json").stdout)
    said = json.loads(nnrun("find-lr", "iris.yaml", "--json").stdout)
    store = Store.from_environment(folder)
    client = MlflowClient(store.uri)
    run = client.get_run(said["run_id"])
    second = json.loads(nnrun("run", "iris.yaml", "--json", "--set", f"train.optimizer.lr={said['suggestion']}").stdout)
    before = previous_run(client, second["run_id"])

    assert run.info.status == "FINISHED"
    assert run.data.tags["kind"] == "find-lr"
    assert run.data.metrics["find_lr/suggestion"] == said["suggestion"]
    assert len(client.get_metric_history(said["run_id"], "find_lr/lr")) == len(said["lr"])
    assert {"find_lr.png", "find_lr.json"} <= {file.path for file in client.list_artifacts(said["run_id"])}
    assert before is not None
    assert before.run_id == first["run_id"]
    assert find_run(store, "iris").run_id == second["run_id"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("train: [{loss: L, epochs: 1}, {loss: L, epochs: 1}]", "its `train` is a list of stages"),
        ("train: {learner: contrastive_divergence}", "it learns by `contrastive_divergence`"),
    ],
)
def test_what_has_no_single_rate_is_refused_with_a_word(change: str, why: str, folder: Path) -> None:
    loss = "{type: cross_entropy, input: scores, target: species}"
    if "stages" in why:
        text = IRIS[: IRIS.index("train:")] + change.replace("L", loss)
    else:
        text = (
            "nnrun: 1\nname: rbm\ndata: {source: digits, fields: {image: {type: image, binarize: 0.5}}}\n"
            "nodes: {visible: {type: binary_units}, hidden: {type: binary_units, units: 4}}\n"
            f"edges: [image -> visible, visible <-> hidden]\n{change}\n"
        )
    (folder / "other.yaml").write_text(text)
    said = nnrun("find-lr", "other.yaml")

    assert said.exit_code == 2
    assert why in said.stderr
