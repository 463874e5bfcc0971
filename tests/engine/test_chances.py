"""Pictures of probabilities: the numbers are scikit-learn's, and they stand where they should."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, precision_recall_curve

from nnrun.runner.engine.pictures.chances import average_precision, calibration, found, kept_promises, precision_recall
from tests.engine.test_plot import pixels

ORANGE = (209, 96, 61)


def drawn(count: int, classes: int, sharp: float = 2.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Chances and true classes; some chances are equal."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, count)
    scores = rng.normal(size=(count, classes)) + 1.5 * np.eye(classes)[truth]
    chances = np.exp(sharp * scores.round(1))
    return chances / chances.sum(1, keepdims=True), truth


def orange(picture: bytes) -> np.ndarray:
    """Where a curve of the part that judges is drawn in full colour, below the legend: (rows, columns)."""
    places = np.argwhere((np.abs(pixels(picture) - ORANGE) < 12).all(-1))
    return places[places[:, 0] > 29]


@pytest.mark.parametrize("seed", range(5))
def test_precision_and_recall_are_those_of_scikit_learn(seed: int) -> None:
    chances, truth = drawn(80, 2, seed=seed)
    recall, precision = found(chances[:, 1], truth == 1)
    expected_precision, expected_recall, _ = precision_recall_curve(truth, chances[:, 1])

    assert recall[::-1] == pytest.approx(expected_recall[:-1])
    assert precision[::-1] == pytest.approx(expected_precision[:-1])
    assert average_precision(recall, precision) == pytest.approx(average_precision_score(truth, chances[:, 1]))


@pytest.mark.parametrize("seed", range(5))
def test_kept_promises_are_those_of_scikit_learn(seed: int) -> None:
    chances, truth = drawn(200, 3, seed=seed)
    right, said = chances.argmax(1) == truth, chances.max(1)
    expected_right, expected_said = calibration_curve(right, said, n_bins=10)

    mean, share, sizes = kept_promises(said, right)

    assert mean == pytest.approx(expected_said)
    assert share == pytest.approx(expected_right)
    assert sizes.sum() == 200


def test_a_chance_of_one_is_in_the_last_group() -> None:
    assert [one.tolist() for one in kept_promises(np.array([1.0, 0.95]), np.array([True, False]))] == [[0.975], [0.5], [2]]


def test_who_is_sure_and_wrong_lies_below_the_line() -> None:
    chances, truth = drawn(2000, 4, sharp=9.0)
    modest, _ = drawn(2000, 4, sharp=1.0)

    assert orange(calibration(chances, truth))[:, 0].mean() > orange(calibration(modest, truth))[:, 0].mean() + 30


@pytest.mark.parametrize("classes", [2, 3, 40])
def test_who_finds_all_at_once_has_a_level_curve(classes: int) -> None:
    names = [f"class {number}" for number in range(classes)]
    chances, truth = drawn(300, classes)
    level, falling = (np.ptp(orange(precision_recall(some, truth, names))[:, 0]) for some in (np.eye(classes)[truth], chances))

    assert level <= 3
    assert falling > 50


def test_a_class_that_does_not_occur_has_no_curve() -> None:
    chances, _ = drawn(30, 2)

    assert len(orange(precision_recall(chances, np.zeros(30, int), ["no", "yes"]))) == 0
    assert len(orange(precision_recall(*drawn(30, 3), ["a", "b", "c"]))) > 0
