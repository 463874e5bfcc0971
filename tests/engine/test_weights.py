"""Rows that count more than others: in the loss, in every part, on any number of processes; and not in answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression, LogisticRegression

from nnrun.registry.field import DataError
from nnrun.runner.compiler.check import check
from nnrun.runner.engine.inference.predict import Predictor
from tests.compiler.support import headlines
from tests.engine.support import build, train

SPEC = """\
nnrun: 1
name: weighed
data:
  source: {source: csv, file: none.csv}
  split: {train: 0.6, valid: 0.2, test: 0.2, stratify: false}
  fields:
    x: {type: vector, columns: [a, b]}
    y: {type: number}
    up: {type: category}
    n: {type: weight}
nodes:
  value: {type: linear, units: 1}
  side: {type: linear, units: up}
edges: [x -> value, x -> side]
train:
  loss:
    - {type: mse, input: value, target: y, example_weights: n}
    - {type: cross_entropy, input: side, target: up, example_weights: n, class_weights: balanced}
  optimizer: {type: sgd, lr: 0.3, momentum: 0.9}
  batch_size: 1000
  epochs: 1500
  evaluate_every: 1500
metrics:
  - {type: mae, input: value, target: y}
"""


def table(count: int = 150, seed: int = 0) -> dict[str, list[Any]]:
    rng = np.random.default_rng(seed)
    a, b, noise = rng.normal(size=(3, count))
    y = a - 2 * b + 0.5 + noise * (1 + a**2)
    names = np.where(a + b + noise > 0, "yes", "no")
    return {"a": [*a], "b": [*b], "y": [*y], "up": [*names], "n": [*rng.integers(0, 5, count).astype(float)]}


def test_a_weighted_fit_is_that_of_scikit_learn() -> None:
    built = build(SPEC.replace(", class_weights: balanced", ""), table(), "train.regularize={}")
    train(built)
    rows, columns = built.data.train.rows.numpy(), {name: np.array(column) for name, column in table().items()}
    x, weights = np.stack([columns["a"], columns["b"]], 1)[rows], columns["n"][rows]
    line = LinearRegression().fit(x, columns["y"][rows], weights)
    classes = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(x, columns["up"][rows], weights)

    own = {name: weight.detach().numpy() for name, weight in built.network.named_parameters()}
    value, side = ([own[name] for name in own if node in name] for node in ("value", "side"))
    (bias, weight) = sorted(value, key=lambda one: one.size)
    assert weight[0] == pytest.approx(line.coef_, rel=1e-4)
    assert bias[0] == pytest.approx(line.intercept_, rel=1e-4)
    (bias, weight) = sorted(side, key=lambda one: one.size)
    no, yes = built.data.facts["up"]["classes"].index("no"), built.data.facts["up"]["classes"].index("yes")
    assert weight[yes] - weight[no] == pytest.approx(classes.coef_[0], rel=1e-3)
    assert bias[yes] - bias[no] == pytest.approx(classes.intercept_[0], rel=1e-3)


def test_losses_are_weighted_in_every_part_and_metrics_are_not() -> None:
    built = build(SPEC, table(), "train.epochs=3")
    outcome, _ = train(built)
    test = built.data.test
    assert test is not None
    batch = test.batch(test.rows)
    with torch.no_grad():
        said = built.network.eval()(batch, ("value", "side"))
    n, off = batch.values["n"], said["value"].reshape(-1) - batch.values["y"]
    counts = torch.tensor(built.data.facts["up"]["counts"])
    classes = (counts.sum() / (2 * counts))[batch.values["up"]]
    surprise = torch.nn.functional.cross_entropy(said["side"], batch.values["up"], reduction="none")

    expected = float((n * off**2).sum() / n.sum() + (n * classes * surprise).sum() / (n * classes).sum())
    assert outcome.figures["test/loss"] == pytest.approx(expected, rel=1e-5)
    assert outcome.figures["test/mae"] == pytest.approx(float(off.abs().mean()), rel=1e-5)


def test_answers_need_no_weights() -> None:
    built = build(SPEC, table(), "train.epochs=2")
    train(built)

    assert "n" not in built.plan.read
    assert {"y", "up"} <= Predictor(built.network, built.plan, built.data.facts).predict({"a": [1.0], "b": [2.0]}).keys()


def test_what_has_no_target_counts_nothing_whatever_its_weight() -> None:
    text, columns = SPEC.replace("y: {type: number}", "y: {type: number, missing: skip}"), table()
    gaps = [None if row % 3 == 0 else value for row, value in enumerate(columns["y"])]
    first, second = (
        build(text, {**columns, "y": gaps, "n": [weight * scale if row % 3 == 0 else weight for row, weight in enumerate(columns["n"])]})
        for scale in (1.0, 9.0)
    )
    losses = []
    for built in (first, second):
        part = built.data.train
        batch = part.batch(part.rows)
        (total, weight), _ = built.evaluator.losses.sums(built.network(batch, built.evaluator.wanted), batch)
        losses.append((total.item(), weight.item()))

    assert losses[0] == losses[1]
    assert losses[0][1] == sum(columns["n"][row] for row in first.data.train.rows.tolist() if row % 3)


TICKS = """\
nnrun: 1
name: weighed_ticks
data:
  source: {source: csv, file: none.csv}
  split: {valid: 0, test: 0}
  fields:
    x: {type: series}
    y: {type: number, along: x}
    n: {type: weight, along: x}
    whole: {type: weight}
nodes: {out: {type: linear, units: 1}}
edges: [x -> out]
train: {loss: {type: mse, input: out, target: y, example_weights: WEIGHTS}, epochs: 1, shuffle: false}
"""


@pytest.mark.parametrize("weights", ["n", "whole"])
def test_ticks_have_weights_of_their_own_or_those_of_their_example(weights: str) -> None:
    lengths = [3, 5, 2]
    rng = np.random.default_rng(1)
    columns = {name: [rng.uniform(0, 1, size=length) for length in lengths] for name in ("x", "y", "n")}
    built = build(TICKS.replace("WEIGHTS", weights), {**columns, "whole": [1.0, 0.0, 3.0]})
    part = built.data.train
    found = built.evaluator.loss(part.batch(part.rows))
    slope, bias = sorted((weight.detach() for weight in built.network.parameters()), key=torch.Tensor.dim, reverse=True)

    off = [float(slope) * x + float(bias) - y for x, y in zip(columns["x"], columns["y"], strict=True)]
    counts = columns["n"] if weights == "n" else [np.full(length, weight) for length, weight in zip(lengths, (1, 0, 3), strict=True)]
    total = sum((one * each**2).sum() for one, each in zip(counts, off, strict=True))
    assert found == pytest.approx(total / sum(map(np.sum, counts)), rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [({3: -1.0}, "`n` in row 4 of `none.csv` holds -1, and no row counts less than nothing"), ({}, "`n` is 0 in all of the train part")],
)
def test_weights_that_cannot_be_are_refused(change: dict[int, float], message: str) -> None:
    weights = [change.get(row, 0.0) for row in range(150)]

    with pytest.raises(DataError, match=message):
        build(SPEC, {**table(), "n": weights})


def test_a_part_in_which_nothing_counts_has_no_loss() -> None:
    built = build(SPEC, table(), "train.epochs=1")
    assert built.data.valid is not None
    built.data.valid.values["n"][built.data.valid.rows] = 0.0  # as what lies on the disk may have it

    with pytest.raises(DataError, match="nothing in the valid part counts in the loss `mse"):
        train(built)


@pytest.mark.parametrize(
    ("weights", "headline"),
    [
        ("m", "unknown-name: no field is named `m`"),
        ("y", "shape-mismatch: `example_weights` takes a field of type `weight`, but `y` is a `number`"),
    ],
)
def test_what_weighs_is_a_field_made_for_that(weights: str, headline: str) -> None:
    assert headlines(SPEC.replace("target: y, example_weights: n", f"target: y, example_weights: {weights}")) == [headline]


def test_weights_of_other_ticks_are_refused() -> None:
    text = TICKS.replace("WEIGHTS", "n").replace("nodes: {", "nodes: {end: {type: last}, ").replace("x -> out", "x -> end -> out")

    assert headlines(text.replace("y: {type: number, along: x}", "y: {type: number}")) == [
        "shape-mismatch: `mse` judges `out`, (N=1), and `n` weighs each tick of `x`"
    ]


def test_a_renamed_weight_is_the_same_graph() -> None:
    from nnrun.runner.compiler.canonical import graph_hash

    plans = [check(text).plan for text in (SPEC, SPEC.replace("n: {type", "m: {type").replace("weights: n", "weights: m"))]
    without = check(SPEC.replace(", example_weights: n", "")).plan
    assert plans[0] is not None
    assert plans[1] is not None
    assert without is not None

    assert graph_hash(plans[0]) == graph_hash(plans[1]) != graph_hash(without)
