"""From columns to a trained network: parts, batches, figures, and what is kept."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch

from nnrun.registry.field import DataError
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.training.baselines.baseline import baseline
from nnrun.runner.engine.training.best import Best
from nnrun.runner.engine.training.diverged import Diverged
from nnrun.runner.engine.training.minimised import penalty
from tests.engine.support import Built, build, train

POINTS = """\
nnrun: 1
name: points
data:
  source: csv
  file: points.csv
  fields:
    x: {type: vector, columns: [a, b], normalize: standard}
    y: {type: category, classes: [no, yes]}
  split: {train: 0.5, valid: 0.25, test: 0.25}
nodes:
  hidden: {type: linear, units: 8, activation: tanh}
  scores: {type: linear, units: y}
edges: [x -> hidden -> scores]
train:
  loss: {type: cross_entropy, input: scores, target: y}
  optimizer: {type: adam, lr: 0.02}
  batch_size: 16
  epochs: 4
metrics: [accuracy]
"""

SERIES = """\
nnrun: 1
name: series
data:
  source: csv
  file: series.csv
  fields:
    level: {type: series, normalize: standard}
  window: {length: 5}
  split: {train: 0.6, valid: 0.2, test: 0.2}
nodes:
  flat: {type: flatten_time}
  next: {type: linear, units: 1}
edges: [level -> flat -> next]
train:
  loss: {type: mse, input: next, target: level.next}
  optimizer: {type: adam, lr: 0.05}
  epochs: 30
metrics: [rmse]
"""


def points(count: int = 80) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=count), rng.normal(size=count)
    return {"a": a.tolist(), "b": b.tolist(), "y": ["yes" if u > v else "no" for u, v in zip(a, b, strict=True)]}


@pytest.fixture
def built() -> Built:
    return build(POINTS, points())


def test_parts_are_disjoint_and_hold_equal_shares_of_each_class(built: Built) -> None:
    rows = [part.rows.tolist() for part in (built.data.train, built.data.valid, built.data.test) if part is not None]
    labels = built.data.train.values["y"]

    assert sorted(row for part in rows for row in part) == list(range(80))
    assert all(abs(float(labels[part].float().mean()) - float(labels.float().mean())) < 0.06 for part in rows)


def test_facts_come_from_the_training_part_alone(built: Built) -> None:
    columns = points()
    for part in (built.data.valid, built.data.test):
        assert part is not None
        for row in part.rows.tolist():
            columns["a"][row] = 1e6

    assert build(POINTS, columns).data.facts == built.data.facts


def test_an_epoch_shows_every_example_once_in_an_order_of_its_own(built: Built) -> None:
    def order(seed: int, epoch: int) -> list[float]:
        return [value for batch in built.data.train.batches(16, seed, epoch, "shuffled") for value in batch.values["x"][:, 0].tolist()]

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)
    assert sorted(order(0, 1)) == sorted(built.data.train.values["x"][built.data.train.rows, 0].tolist())


def test_the_same_seed_gives_the_same_weights_to_the_bit() -> None:
    first, second = build(POINTS, points()), build(POINTS, points())
    train(first)
    train(second)

    assert all(torch.equal(a, b) for a, b in zip(first.network.parameters(), second.network.parameters(), strict=True))


def test_the_untrained_network_is_judged_first(built: Built) -> None:
    _, watcher = train(built)
    step, figures = watcher.said[0]

    assert step == 0
    assert "valid/accuracy" in figures


def test_the_best_weights_are_kept_and_tested(built: Built) -> None:
    outcome, watcher = train(built)
    seen = [figures["valid/accuracy"] for _, figures in watcher.said if "valid/accuracy" in figures]
    assert built.data.valid is not None

    kept = built.evaluator.evaluate(built.data.valid, "valid")

    assert outcome.figures["valid/best_accuracy"] == max(seen) == kept["valid/accuracy"]


def test_patience_ends_the_training_early() -> None:
    still = build(POINTS, points(), "train.early_stopping={monitor: valid/loss, patience: 2}", "train.optimizer={type: sgd, lr: 1e-12}")

    outcome, _ = train(still)

    assert outcome.stopped_early
    assert outcome.steps == 3 * 2 or outcome.steps == 3 * 3


@pytest.mark.parametrize("size", [1, 7, 40])
def test_the_loss_of_a_part_does_not_depend_on_the_batch_size(built: Built, size: int) -> None:
    whole = built.evaluator.evaluate(built.data.train, "train")
    built.evaluator.batch_size = size

    figures = built.evaluator.evaluate(built.data.train, "train")

    assert figures == pytest.approx(whole, rel=1e-6)


def test_penalties_count_weights_and_no_biases() -> None:
    built = build(POINTS, points(), "train.regularize={l1: 0.1, l2: 0.01}", "nodes.scores.regularize={l2: 0.5}")
    assert built.plan.spec.train is not None
    hidden, scores = (dict(built.network.named_parameters())[f"{name}.weight.0"] for name in ("hidden", "scores"))

    found = penalty(built.network.penalties(built.plan.spec.train.regularize))

    wanted = 0.1 * (hidden.abs().sum() + scores.abs().sum()) + 0.01 * hidden.square().sum() + 0.51 * scores.square().sum()
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)


def test_a_diverging_training_names_the_first_node_that_is_not_finite() -> None:
    wild = build(POINTS, points(), "train.optimizer={type: sgd, lr: 1e38}", "nodes.hidden.activation=relu")

    with pytest.raises(Diverged) as caught:
        train(wild)

    assert caught.value.op is not None
    assert caught.value.op.name == "scores"  # the hidden values are huge, and still finite


def test_steps_end_the_training_exactly() -> None:
    outcome, _ = train(build(POINTS, points(), "train.epochs=~", "train.steps=7"))

    assert outcome.steps == 7


def test_a_frozen_node_keeps_its_weights() -> None:
    built = build(POINTS, points(), "nodes.hidden.freeze=true")
    before = [weight.clone() for weight in built.network.runs["hidden"].parameters()]
    train(built)

    assert all(torch.equal(a, b) for a, b in zip(before, built.network.runs["hidden"].parameters(), strict=True))


def test_a_window_is_judged_by_the_part_that_holds_its_target() -> None:
    built = build(SERIES, {"level": [float(row) for row in range(50)]})
    predictor = Predictor(built.network, built.plan, built.data.facts)
    parts = (built.data.train, built.data.valid, built.data.test)

    judged = [[round(value) for value in predictor.truth(part)["level_next"]] for part in parts if part is not None]

    assert judged == [list(range(5, 30)), list(range(30, 40)), list(range(40, 50))]


def test_a_straight_line_is_predicted_in_its_own_units() -> None:
    built = build(SERIES, {"level": [3.0 * row + 100 for row in range(60)]}, "train.epochs=300")
    train(built)

    answers = Predictor(built.network, built.plan, built.data.facts).predict({"level": [3.0 * row + 100 for row in range(30, 35)]})

    assert answers["level_next"] == [pytest.approx(3.0 * 35 + 100, abs=3.0)]


def test_the_baseline_of_a_series_is_its_last_value() -> None:
    built = build(SERIES, {"level": [float(row) for row in range(50)]})
    found = baseline(built.plan, built.data, built.plan.spec.track)
    deviation = float(np.std(np.arange(30)))  # one step of the series, in standard deviations of the training rows

    assert found is not None
    assert found.name == "the last value"
    assert found.figures["test/baseline_rmse"] == pytest.approx(1 / deviation, rel=1e-5)


def test_the_baseline_of_a_category_is_its_commonest_class(built: Built) -> None:
    found = baseline(built.plan, built.data, built.plan.spec.track)
    assert built.data.test is not None
    labels = built.data.test.values["y"][built.data.test.rows]
    common = int(torch.bincount(built.data.train.values["y"][built.data.train.rows]).argmax())

    assert found is not None
    assert found.figures["test/baseline_accuracy"] == pytest.approx(float((labels == common).float().mean()))
    assert not math.isnan(found.figures["test/baseline_accuracy"])


def test_a_frozen_network_cannot_be_trained() -> None:
    with pytest.raises(DataError, match="the network has no weights that could be trained"):
        train(build(TEXT_FROZEN, {"x": [[1.0, 2.0], [2.0, 1.0]] * 8, "y": [0.0, 1.0] * 8}))


TEXT_FROZEN = """\
nnrun: 1
name: frozen
data:
  source: csv
  file: none.csv
  fields: {x: {type: vector, size: 2}, y: {type: number}}
nodes:
  hidden: {type: linear, units: 2, freeze: true}
  scores: {type: linear, units: 1, freeze: true}
edges:
  - x -> hidden -> scores
train: {loss: {type: mse, input: scores, target: y}, epochs: 1}
"""


def test_a_network_that_is_no_number_after_its_last_step_has_diverged() -> None:
    for more in ([], ["data.split={valid: 0, test: 0}"], ["data.split={valid: 0, test: 0.5}"]):
        wild = build(
            POINTS,
            points(),
            "train.optimizer={type: sgd, lr: 1e38}",
            "nodes.hidden.activation=relu",
            "train.epochs=~",
            *more,
            "train.steps=1",
        )

        with pytest.raises(Diverged, match="the loss at step 1 is not a finite number"):
            train(wild)


def test_a_loss_far_above_that_of_the_untrained_network_is_said() -> None:
    by_chance = points() | {"y": np.random.default_rng(1).choice(["yes", "no"], len(points()["y"])).tolist()}
    _, watcher = train(build(POINTS, by_chance, "train.optimizer={type: sgd, lr: 1e4}", "data.split={valid: 0, test: 0}"))

    assert len(watcher.warnings) == 1
    assert re.match(r"the training loss is [0-9.e+]+ at the end, and was 0\.[0-9]+ before the first step", watcher.warnings[0])


def test_a_training_that_works_is_not_warned_of(built: Built) -> None:
    _, watcher = train(built)

    assert watcher.warnings == []


OVERFLOW = """\
nnrun: 1
name: overflow
data:
  source: {source: csv, file: data.csv}
  fields: {x: {type: series}}
  window: {length: 9}
  split: {train: 0.8, valid: 0, test: 0.2}
nodes:
  i: {type: linear, units: 2}
  h: {type: formula, is: exp(i * i) * exp(prev(h) * 30)}
  out: {type: linear, units: 1}
edges: ["x, prev(h) -> i", h -> out]
train: {loss: {type: mse, input: out, target: x}, epochs: 1}
"""


def test_an_overflow_in_a_formula_is_not_blamed_on_what_reads_it_later() -> None:
    series = build(OVERFLOW, {"x": [1.0 + number % 3 for number in range(60)]})

    with pytest.raises(Diverged) as caught:
        train(series)

    assert caught.value.op is not None
    assert caught.value.op.name == "h"


def points_judged(*figures: tuple[float, float]) -> Best:
    """What is kept of a network that is judged so many times, by (accuracy, loss)."""
    best, network = Best("valid/accuracy", higher=True, patience=2, min_delta=0.01), torch.nn.Linear(1, 1)
    for step, (accuracy, loss) in enumerate(figures):
        best.offer(step, {"valid/accuracy": accuracy, "valid/loss": loss}, network)
    return best


@pytest.mark.parametrize(
    ("figures", "kept"),
    [
        ([(0.0, 7.28), (0.0, 4.94), (0.0, 5.0)], 1),  # equal figures: the smaller loss
        ([(1.0, 0.3), (1.0, 0.3), (1.0, 0.3)], 2),  # and equal losses: the later step
        ([(0.7778, 1.0), (0.7790, 2.0)], 1),  # a gain that patience does not count is one all the same
        ([(0.5, 1.0), (math.nan, math.nan), (0.4, 0.1)], 0),
        ([(math.nan, math.nan), (0.4, 0.1)], 1),
    ],
)
def test_the_best_weights_are_those_of_the_best_figure_then_loss_then_step(figures: list[tuple[float, float]], kept: int) -> None:
    assert points_judged(*figures).step == kept


def test_patience_counts_gains_of_min_delta() -> None:
    assert not points_judged((0.50, 1), (0.505, 1), (0.515, 1)).is_late  # 0.015 above the last gain that counted
    assert points_judged((0.50, 1), (0.505, 1), (0.509, 1)).is_late


def test_weights_that_are_no_numbers_are_never_the_best() -> None:
    best, network = Best("valid/accuracy", higher=True), torch.nn.Linear(1, 1)
    torch.nn.init.constant_(network.weight, math.inf)
    best.offer(1, {"valid/accuracy": 1.0}, network)

    assert best.weights is None


def test_it_is_said_where_hardly_any_training_won() -> None:
    assert points_judged((0.5, 1.0), (0.4, 0.1)).doubt(40) == (
        "the untrained network did best, with `valid/accuracy` 0.5: the steps after it taught the network nothing that the figure tells"
    )
    assert points_judged((0.5, 1.0), (0.6, 0.1)).doubt(40) is not None
    assert points_judged((0.5, 1.0), (0.6, 0.1)).doubt(9) is None


def test_a_metric_that_cannot_judge_its_target_is_named() -> None:
    with pytest.raises(DataError, match=r"the metric `auroc` cannot judge `level\.next`: the target holds") as refused:
        train(build(SERIES, {"level": [float(row % 7) for row in range(60)]}, "metrics=[auroc]"))

    assert refused.value.path == ("metrics",)
