"""Figures of truth and answer by scikit-learn, under the names and with the options of the registry's metrics.

A network's own meters make them in training; here they are made again for examples that are drawn anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn import metrics

Array = np.ndarray[Any, Any]
Options = Mapping[str, Any]
Score = Callable[[Options, Array, Array, Array | None], Any]

MEANS: dict[str, Callable[[float], float]] = {
    "perplexity": math.exp,
    "bits_per_character": lambda nats: nats / math.log(2),
    "log_loss": float,
}
"""Metrics that follow from the mean cross entropy alone."""


def _counted(score: Callable[..., Any]) -> Score:
    """One that is counted for each class: of two classes that of the second, of more the mean."""

    def figure(options: Options, truth: Array, answer: Array, chances: Array | None) -> Any:
        two = options["classes"] == 2 and "average" not in options
        return score(truth, answer, average="binary" if two else options.get("average", "macro"), zero_division=0)

    return figure


def _of_classes(score: Callable[..., Any]) -> Score:
    return lambda options, truth, answer, chances: score(truth, answer)


def _of_numbers(score: Callable[..., Any], flat: bool = True) -> Score:
    return lambda options, truth, answer, chances: score(truth.ravel(), answer.ravel()) if flat else score(truth, answer)


def _kappa(options: Options, truth: Array, answer: Array, chances: Array | None) -> Any:
    weights = options.get("weights", "none")
    return metrics.cohen_kappa_score(truth, answer, labels=range(options["classes"]), weights=None if weights == "none" else weights)


def _ranked(score: Callable[..., Any]) -> Score:
    return lambda options, truth, answer, chances: math.nan if chances is None else score(truth, chances[:, 1])


def _top(options: Options, truth: Array, answer: Array, chances: Array | None) -> Any:
    if chances is None:
        return math.nan
    return metrics.top_k_accuracy_score(truth, chances, k=options.get("k", 5), labels=range(options["classes"]))


def _correlation(name: str) -> Score:
    def figure(options: Options, truth: Array, answer: Array, chances: Array | None) -> Any:
        from scipy import stats

        return np.mean([getattr(stats, name)(truth[:, place], answer[:, place]).statistic for place in range(truth.shape[1])])

    return figure


CLASSES: dict[str, Score] = {
    "accuracy": _of_classes(metrics.accuracy_score),
    "balanced_accuracy": _of_classes(metrics.balanced_accuracy_score),
    "precision": _counted(metrics.precision_score),
    "recall": _counted(metrics.recall_score),
    "f1": _counted(metrics.f1_score),
    "matthews": _of_classes(metrics.matthews_corrcoef),
    "cohen_kappa": _kappa,
    "mean_iou": lambda options, truth, answer, chances: metrics.jaccard_score(truth, answer, average="macro"),
    "auroc": _ranked(metrics.roc_auc_score),
    "average_precision": _ranked(metrics.average_precision_score),
    "top_k_accuracy": _top,
}
"""Of classes, as numbers from 0 on."""

NUMBERS: dict[str, Score] = {
    "mse": _of_numbers(metrics.mean_squared_error),
    "rmse": _of_numbers(metrics.root_mean_squared_error),
    "mae": _of_numbers(metrics.mean_absolute_error),
    "max_error": _of_numbers(metrics.max_error),
    "r2": _of_numbers(metrics.r2_score, flat=False),
    "explained_variance": _of_numbers(metrics.explained_variance_score, flat=False),
    "pearson": _correlation("pearsonr"),
    "spearman": _correlation("spearmanr"),
}
"""Of numbers, (M, N)."""

TEXTS: dict[str, Score] = {"exact_match": lambda options, truth, answer, chances: np.mean(truth == answer)}
"""Of whole texts."""

SCORES = {**CLASSES, **NUMBERS, **TEXTS}
