"""How good the probabilities of classes are, drawn: as ways to find a class, and as what they promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnrun.runner.engine.pictures.charts import COLOURS
from nnrun.runner.engine.pictures.paper import GRID, INK, png
from nnrun.runner.engine.pictures.plot import Curve, plot

Array = NDArray[Any]

FINE = 200
"""Most points of a curve in a picture."""

EACH = 30
"""Most classes that have a curve each; of more, only the one of all is drawn, and the worst."""

LONG = 16
"""Most letters of a class's name above a picture."""

BINS = 10
"""Groups of equal width between 0 and 1."""


def found(chances: Array, true: Array) -> tuple[Array, Array]:
    """Recall and precision of what has at least each of the chances that occur, (P,) twice, from the highest on.

    Shape: chances (M), and whether the class is the true one, (M); at least one is.
    Source: scikit-learn, precision_recall_curve, without its last point.
    """
    order = np.argsort(-chances, kind="stable")
    ends = np.append(np.diff(chances[order]) != 0, True)
    hits, named = np.cumsum(true[order])[ends], np.flatnonzero(ends) + 1
    return hits / hits[-1], hits / named


def average_precision(recall: Array, precision: Array) -> float:
    """The area below the steps of a curve. Source: scikit-learn, average_precision_score."""
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def kept_promises(chances: Array, right: Array, bins: int = BINS) -> tuple[Array, Array, Array]:
    """Of the answers with about the same chance: the mean chance, the share that is right, and how many they are; no group is empty.

    Source: Guo et al. 2017, On calibration of modern neural networks, section 2.
    """
    group = np.minimum((chances * bins).astype(int), bins - 1)
    sizes, sums, hits = (np.bincount(group, weights, bins) for weights in (None, chances, right))
    some = sizes > 0
    return sums[some] / sizes[some], hits[some] / sizes[some], sizes[some]


def precision_recall(chances: Array, truth: Array, classes: Sequence[str]) -> bytes:
    """Precision over recall: of two classes that of the second; of more that of each, of all together, and of the worst.

    Shape: chances (M, K), and the number of the true class, (M).
    """
    true = truth[:, None] == np.arange(len(classes))
    curves = {name: found(chances[:, place], true[:, place]) for place, name in enumerate(classes) if true[:, place].any()}
    if len(classes) == 2:
        drawn = [_curve(*curves[classes[1]], classes[1], "valid")] if classes[1] in curves else []
    else:
        worst = min(curves, key=lambda name: average_precision(*curves[name]))
        others = [Curve(_points(*curve), GRID, line=1.0) for curve in curves.values()] if len(classes) <= EACH else []
        drawn = [
            *others,
            _curve(*curves[worst], worst, "train"),
            _curve(*found(chances.ravel(), true.ravel()), "all classes", "valid"),
        ]
    return png(plot(drawn, across="recall", down="precision"))


def calibration(chances: Array, truth: Array) -> bytes:
    """Of answers with about the same probability the share that is right; kept promises lie on the line."""
    answer = chances.argmax(1)
    said, right, sizes = kept_promises(chances.max(1), answer == truth)
    error = float((sizes * np.abs(said - right)).sum() / sizes.sum())
    perfect = Curve([(0.0, 0.0), (1.0, 1.0)], INK, line=0.8)
    curve = Curve(list(zip(said.tolist(), right.tolist(), strict=True)), COLOURS["valid"], f"calibration error {error:.3f}", dot=2.5)
    return png(plot([perfect, curve], across="probability of the answer", down="share that is right"))


def _curve(recall: Array, precision: Array, name: str, colour: str) -> Curve:
    short = name if len(name) <= LONG else f"{name[: LONG - 1]}…"
    return Curve(_points(recall, precision), COLOURS[colour], f"{short}, AP {average_precision(recall, precision):.3f}")


def _points(recall: Array, precision: Array) -> list[tuple[float, float]]:
    end = np.argmax(recall == 1)  # behind it only more that is wrong is named
    some = np.unique(np.linspace(0, end, FINE).round().astype(int))
    return [(0.0, float(precision[0])), *zip(recall[some].tolist(), precision[some].tolist(), strict=True)]
