"""A linear model of everything the network reads, by scikit-learn."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.training.baselines.guesses import LEAST, Guess
from nnrun.runner.engine.training.baselines.inputs import held, inputs

STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Penalties on the weights of a linear model, as multiples of the usual one, which stands in the middle."""

CHANCE = 2
"""Standard errors by which another strength must be better on the validation part."""

Losses = Callable[[Any, Any, np.ndarray], np.ndarray]
"""(model, inputs, target) -> what each example costs."""


def linear(plan: Plan, data: Dataset, target: str, classes: int | None) -> Guess | None:
    """A linear model of everything the network reads, by scikit-learn; None where the training part has one class or row only."""
    from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV

    learned = data.train.values[target][data.train.rows].numpy()
    if len(learned) < 2 or (classes is not None and len(np.unique(learned)) < 2):
        return None
    texts = [name for name in plan.read if plan.fields[name].type_name() == "text"]
    train, valid, test = inputs(plan, data, texts)
    name = "TF-IDF and " * bool(texts) + ("ridge regression" if classes is None else "logistic regression")
    if classes is None:
        numbers = learned.reshape(len(learned), -1)
        if not texts:  # leaving out each row in turn costs nothing here, and needs no validation part
            model = RidgeCV(np.logspace(-3, 3, 13)).fit(train, numbers)
        else:
            model = _best([Ridge(alpha).fit(train, numbers) for alpha in STRENGTHS], valid, held(data, target), _squares)
        return name, model.predict(test).reshape(test.shape[0], *learned.shape[1:])
    usual = 3.0 if texts else 1.0
    with warnings.catch_warnings():
        from sklearn.exceptions import ConvergenceWarning

        warnings.simplefilter("ignore", ConvergenceWarning)  # a baseline may stop a little short of its best
        models = [LogisticRegression(C=usual / strength, max_iter=1000).fit(train, learned) for strength in STRENGTHS]
    return name, _logs(_best(models, valid, held(data, target), _surprises), test, classes)


def _best(models: Sequence[Any], valid: Any, target: np.ndarray | None, losses: Losses) -> Any:
    """The model that does best on the validation part; the usual one, in the middle, unless another is better beyond chance."""
    usual = models[len(models) // 2]
    if valid is None or target is None:
        return usual
    found = [losses(model, valid, target) for model in models]
    best = int(np.argmin([loss.mean() for loss in found]))
    gain = found[len(models) // 2] - found[best]
    error = gain.std() / math.sqrt(len(gain))
    return models[best] if gain.mean() > CHANCE * error else usual


def _squares(model: Any, inputs: Any, target: np.ndarray) -> np.ndarray:
    """What each example costs a regression."""
    wanted = target.reshape(len(target), -1)
    cost: np.ndarray = np.square(model.predict(inputs).reshape(wanted.shape) - wanted).mean(1)
    return cost


def _surprises(model: Any, inputs: Any, target: np.ndarray) -> np.ndarray:
    """What each example costs a classifier."""
    logs = _logs(model, inputs, int(max(target.max(), model.classes_.max())) + 1)
    cost: np.ndarray = -logs[np.arange(len(target)), target]
    return cost


def _logs(model: Any, inputs: Any, classes: int) -> np.ndarray:
    """Log probabilities of all classes, also of those that the training part does not hold."""
    return logs_of(model.classes_, model.predict_proba(inputs), classes)


def logs_of(known: np.ndarray, chances: np.ndarray, classes: int) -> np.ndarray:
    """The same of probabilities (n, K) of the classes that are `known`."""
    logs = np.full((len(chances), classes), np.log(LEAST))
    logs[:, known] = np.log(np.maximum(chances, LEAST))
    return logs
