"""Figures computed again from what was answered are those that the network's own meters gave."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnrun.runner.experiments.answers import Answers
from nnrun.runner.record.predictions import record_predictions
from tests.engine.support import Built, build, train
from tests.engine.test_sheet import TICKS, Kept

SPEC = """\
nnrun: 1
name: kinds
data:
  source: csv
  file: none.csv
  fields:
    x: {{type: vector, columns: [a, b]}}
    kind: {{type: category}}
    size: {{type: number, normalize: standard}}
nodes:
  scores: {{type: linear, units: {units}}}
edges: [x -> scores]
train: {{loss: {{type: {loss}, input: scores, target: {target}}}, optimizer: {{type: adam, lr: 3e-2}}, epochs: 4}}
metrics: {metrics}
"""

OF_CLASSES = ["accuracy", "balanced_accuracy", "precision", "recall", "f1", "matthews", "cohen_kappa", "mean_iou", "log_loss"]
OF_TWO = [*OF_CLASSES, "auroc", "average_precision"]
OF_NUMBERS = ["mse", "rmse", "mae", "max_error", "r2", "explained_variance", "pearson", "spearman"]


def made(classes: int, units: str, loss: str, target: str, metrics: list[str]) -> Built:
    rng = random.Random(0)
    a, b = ([rng.gauss(0, 1) for _ in range(400)] for _ in range(2))
    kinds = [str(min(classes - 1, max(0, round(one + rng.gauss(0, 0.7) + classes / 2 - 0.5)))) for one in a]
    sizes = [100 + 20 * one + 5 * rng.gauss(0, 1) for one in b]
    text = SPEC.format(units=units, loss=loss, target=target, metrics=f"[{', '.join(metrics)}]")
    return build(text, {"a": a, "b": b, "kind": kinds, "size": sizes})


def answered(built: Built, folder: Path) -> tuple[Answers, dict[str, float]]:
    outcome, _ = train(built)
    assert outcome.answers is not None
    recorder = Kept()
    record_predictions(recorder, outcome.answers, "test")  # type: ignore[arg-type]
    (folder / "predictions.parquet").write_bytes(recorder.files["predictions.parquet"])
    return Answers.read(folder / "predictions.parquet"), dict(outcome.figures)


@pytest.mark.parametrize(
    ("built", "labels"),
    [
        (lambda: made(2, "kind", "cross_entropy", "kind", OF_TWO), OF_TWO),
        (lambda: made(2, "1", "binary_cross_entropy", "kind", OF_CLASSES), OF_CLASSES),
        (lambda: made(4, "kind", "cross_entropy", "kind", OF_CLASSES), OF_CLASSES),
        (lambda: made(2, "1", "mse", "size", OF_NUMBERS), OF_NUMBERS),
        (lambda: made(2, "1", "huber", "size", ["{type: rmse, units: original}"]), ["rmse"]),
    ],
    ids=["two classes", "yes or no", "four classes", "numbers", "numbers in their own units"],
)
def test_a_figure_computed_again_is_the_recorded_one(built: Any, labels: list[str], tmp_path: Path) -> None:
    answers, figures = answered(built(), tmp_path)

    for label in ("loss", *labels):
        figure = answers.figure(label)
        assert figure is not None, label
        assert figure(np.arange(len(answers))) == pytest.approx(figures[f"test/{label}"], rel=1e-4, abs=1e-6), label


def test_figures_of_ticks_are_drawn_example_by_example(tmp_path: Path) -> None:
    rng = random.Random(0)
    rows = [[rng.gauss(0, 1) for _ in range(rng.randint(1, 6))] for _ in range(200)]
    signs = [["plus" if one > 0 else "minus" for one in row] for row in rows]
    built = build(TICKS.replace("[accuracy]", "[accuracy, f1]"), {"x": rows, "sign": signs})
    answers, figures = answered(built, tmp_path)

    for label in ("loss", "accuracy", "f1"):
        figure = answers.figure(label)
        assert figure is not None
        assert figure(np.arange(len(answers))) == pytest.approx(figures[f"test/{label}"], rel=1e-4)
    assert answers.right("accuracy") is None  # ticks of one example are no independent examples


def test_a_figure_that_differs_from_the_recorded_one_is_not_used(tmp_path: Path) -> None:
    answers, figures = answered(made(2, "kind", "cross_entropy", "kind", ["accuracy"]), tmp_path)

    assert answers.figure("accuracy", figures["test/accuracy"]) is not None
    assert answers.figure("accuracy", figures["test/accuracy"] + 0.05) is None


def test_other_examples_are_known_by_their_truth(tmp_path: Path) -> None:
    answers, _ = answered(made(2, "kind", "cross_entropy", "kind", ["accuracy"]), tmp_path)
    others, _ = answered(made(4, "kind", "cross_entropy", "kind", ["accuracy"]), tmp_path)

    assert answers.same_examples(answers)
    assert not answers.same_examples(others)
    assert answers.differing(answers) == 0
