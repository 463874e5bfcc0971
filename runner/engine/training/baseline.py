"""The honest baseline: how well somebody does without a network, judged by the same metrics on the same test part."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnrun.registry.modules.units import natural
from nnrun.registry.objective import Loss
from nnrun.registry.shape import Shape
from nnrun.registry.source import Columns
from nnrun.runner.compiler.language.spec import Track
from nnrun.runner.compiler.plan import Comparison, Plan
from nnrun.runner.engine.data.batch import Batch, Part
from nnrun.runner.engine.data.dataset import Dataset, Parts, joined_columns
from nnrun.runner.engine.training.objective import Meters, target_facts

LEAST = 1e-6
"""Probability of what never occurs in the training part: not zero, for one surprise would then be infinite."""


@dataclass(frozen=True)
class Baseline:
    """What was tried, and its figures: `test/baseline_accuracy`."""

    name: str
    figures: Mapping[str, float]


Guess = tuple[str, np.ndarray]
"""What was tried, and for each example of the test part what it says: log probabilities (n, K) of the classes, or numbers."""


def baseline(plan: Plan, data: Dataset, parts: Parts, track: Track) -> Baseline | None:
    """A figure to beat. `simple` guesses the commonest class, the mean or the last value; `linear` fits a linear model.

    None where there is no test part, no metric, or a target that neither serves: one along time, or with a class at many places.
    """
    loss = plan.losses[0]
    categories = loss.target_shape.kind != "number"
    if track.baseline == "none" or data.test is None or not plan.metrics or loss.target_shape.time is not None:
        return None
    if categories and loss.target_shape.axes:
        return None
    if any((metric.input, metric.target) != (loss.input, loss.target) for metric in plan.metrics):
        return None
    classes = int(loss.target_shape.classes) if categories else None  # type: ignore[arg-type]
    found = _linear(plan, data, parts, loss.target, classes) if track.baseline == "linear" else None
    name, guess = found or _simple(data, data.test, loss.target, classes)
    scores = _scores(torch.from_numpy(guess).float(), loss, data)
    meters = Meters(plan, data.facts, torch.device("cpu"))
    meters.update({loss.input: scores, loss.target: data.test.values[loss.target][data.test.rows]}, Batch({}, {}, len(data.test)))
    return Baseline(name, {f"test/baseline_{label}": figure for label, figure in meters.compute().items()})


def _simple(data: Dataset, test: Part, target: str, classes: int | None) -> Guess:
    """The same guess for everybody, or what was there before."""
    learned = data.train.values[target][data.train.rows].numpy()
    field, _, port = target.partition(".")
    if classes is not None:
        shares = np.bincount(learned, minlength=classes) / len(learned)
        return "the commonest class", np.log(np.maximum(shares, LEAST))[None].repeat(len(test), 0)
    if port == "next":
        return "the last value", test.values[field][test.rows][:, -1].numpy()
    return "the mean", learned.mean(0)[None].repeat(len(test), 0)


def _linear(plan: Plan, data: Dataset, parts: Parts, target: str, classes: int | None) -> Guess | None:
    """A linear model of everything the network reads, by scikit-learn; None where there is nothing to fit."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    assert data.test is not None
    learned = data.train.values[target][data.train.rows].numpy()
    if len(learned) < 2 or (classes is not None and len(np.unique(learned)) < 2):
        return None
    texts = [plan.fields[name].type_name() for name in plan.read] == ["text"]
    given = _words(plan.read[0], plan, data, parts) if texts and classes is not None else _numbers(plan, data)
    if given is None:
        return None
    features, held_out = given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a baseline may stop a little short of its best
        if classes is None:
            regression = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13))).fit(features, learned.reshape(len(learned), -1))
            return "ridge regression", regression.predict(held_out).reshape(len(data.test), *learned.shape[1:])
        chooser = LogisticRegression(C=3.0, max_iter=1000) if texts else make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        chooser.fit(features, learned)
    logs = np.full((len(data.test), classes), np.log(LEAST))
    logs[:, chooser.classes_] = np.maximum(chooser.predict_log_proba(held_out), np.log(LEAST))
    return "TF-IDF and logistic regression" if texts else "logistic regression", logs


def _words(name: str, plan: Plan, data: Dataset, parts: Parts) -> tuple[Any, Any] | None:
    """Weighted counts of words and of pairs of words, of the training and the test part."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    assert data.test is not None
    texts: Columns = joined_columns({name: plan.fields[name]}, parts)
    learned, tested = ([texts[name][row] for row in part.rows.tolist()] for part in (data.train, data.test))
    try:
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit(learned)
    except ValueError:  # no word occurs twice
        return None
    return vectorizer.transform(learned), vectorizer.transform(tested)


def _numbers(plan: Plan, data: Dataset) -> tuple[np.ndarray, np.ndarray] | None:
    """All numbers that the network reads, of the training and the test part; categories as zeros and ones."""
    assert data.test is not None
    read = {name: plan.values[name] for name in plan.read}
    if any(shape.kind == "token" or (shape.time is not None and shape.ticks is None) for shape in read.values()):
        return None
    learned, tested = ([_features(part, name, shape) for name, shape in read.items()] for part in (data.train, data.test))
    return np.concatenate(learned, axis=1), np.concatenate(tested, axis=1)


def _features(part: Part, name: str, shape: Shape) -> np.ndarray:
    values = part.values[name][part.rows]
    if shape.kind == "category":
        values = torch.nn.functional.one_hot(values, int(shape.classes))  # type: ignore[arg-type]
    return values.reshape(len(part), -1).numpy()


def _scores(guess: Tensor, loss: Comparison, data: Dataset) -> Tensor:
    """The guess as the network would have said it."""
    assert isinstance(loss.config, Loss)
    if loss.target_shape.kind != "number":
        return guess if loss.input_shape.size != 1 else (guess[:, 1] - guess[:, 0]).reshape(-1, *loss.input_shape.axes)  # type: ignore[arg-type]
    if loss.config.logits:
        guess = natural(guess, target_facts(loss, data.facts)).clamp(LEAST, 1 - LEAST).logit()
    return guess.reshape(len(guess), *loss.input_shape.axes)  # type: ignore[arg-type]
