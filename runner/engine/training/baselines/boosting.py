"""Gradient-boosted trees on everything the network reads, by scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.training.baselines.guesses import Guess
from nnrun.runner.engine.training.baselines.inputs import held, inputs
from nnrun.runner.engine.training.baselines.linear import logs_of

TREES = 300
"""At most; the validation part says after how many to stop."""

RATES, LEAVES = (0.05, 0.1), (8, 31)
"""Learning rates and sizes of trees, of which the validation part chooses; the last ones are scikit-learn's own."""

NAME = "gradient-boosted trees"


def boosting(plan: Plan, data: Dataset, target: str, classes: int | None) -> Guess | None:
    """None where the training part has one class or row only. Without a validation part, what scikit-learn chooses.

    Source: Friedman 2001, Greedy function approximation: a gradient boosting machine; by histograms, as LightGBM (Ke et al. 2017).
    """
    learned = data.train.values[target][data.train.rows].numpy()
    if len(learned) < 2 or (classes is not None and len(np.unique(learned)) < 2):
        return None
    train, valid, test = inputs(plan, data, ())
    right = held(data, target)
    if classes is None:
        columns = learned.reshape(len(learned), -1)
        wanted = None if right is None else right.reshape(len(right), -1)
        told = [_numbers(train, valid, test, columns[:, at], None if wanted is None else wanted[:, at]) for at in range(columns.shape[1])]
        return NAME, np.stack(told, axis=1).reshape(len(test), *learned.shape[1:])
    return NAME, _classes(train, valid, test, learned, right, classes)


def _numbers(train: Any, valid: Any, test: Any, learned: np.ndarray, right: np.ndarray | None) -> np.ndarray:
    from sklearn.ensemble import HistGradientBoostingRegressor as Trees

    if valid is None or right is None:
        told: np.ndarray = Trees(random_state=0).fit(train, learned).predict(test)
        return told
    models = [Trees(**how).fit(train, learned) for how in _ways()]
    errors = [[float(np.square(said - right).mean()) for said in model.staged_predict(valid)] for model in models]
    best, trees = _least(errors)
    return _stage(models[best].staged_predict(test), trees)


def _classes(train: Any, valid: Any, test: Any, learned: np.ndarray, right: np.ndarray | None, classes: int) -> np.ndarray:
    from sklearn.ensemble import HistGradientBoostingClassifier as Trees

    if valid is None or right is None:
        model = Trees(random_state=0).fit(train, learned)
        return logs_of(model.classes_, model.predict_proba(test), classes)
    models = [Trees(**how).fit(train, learned) for how in _ways()]
    rows, counted = np.arange(len(right)), max(classes, int(right.max()) + 1)
    errors = [
        [-float(logs_of(model.classes_, said, counted)[rows, right].mean()) for said in model.staged_predict_proba(valid)]
        for model in models
    ]
    best, trees = _least(errors)
    return logs_of(models[best].classes_, _stage(models[best].staged_predict_proba(test), trees), classes)


def _ways() -> Iterator[dict[str, Any]]:
    for rate, leaves in product(RATES, LEAVES):
        yield {"learning_rate": rate, "max_leaf_nodes": leaves, "max_iter": TREES, "early_stopping": False, "random_state": 0}


def _least(errors: list[list[float]]) -> tuple[int, int]:
    """Which model, and after how many trees, counted from 0."""
    best = min(range(len(errors)), key=lambda place: min(errors[place]))
    return best, int(np.argmin(errors[best]))


def _stage(stages: Iterator[np.ndarray], wanted: int) -> np.ndarray:
    return next(said for place, said in enumerate(stages) if place == wanted)
