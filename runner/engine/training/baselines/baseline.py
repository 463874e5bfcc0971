"""The honest baseline: how well somebody does without a network, judged by the same metrics on the same test part."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnrun.registry.data.spelling import composed
from nnrun.registry.modules.units import natural
from nnrun.registry.objective import Loss, SequenceMetric
from nnrun.registry.shape import Shape
from nnrun.runner.compiler.language.data import Window
from nnrun.runner.compiler.language.spec import Track
from nnrun.runner.compiler.plan import Comparison, Plan
from nnrun.runner.engine.data.batch import Batch, Part
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.data.told import Told
from nnrun.runner.engine.training.baselines.forecast import seasonal_naive
from nnrun.runner.engine.training.baselines.guesses import LEAST, tick_guesses
from nnrun.runner.engine.training.objective import Meters, may_lack, target_facts
from nnrun.runner.engine.training.written import Written


@dataclass(frozen=True)
class Baseline:
    """What was tried, and its figures: `test/baseline_accuracy`."""

    name: str
    figures: Mapping[str, float]
    guess: np.ndarray | None = None
    """Of a forecast, what it says of each example of the test part: (n, *axes), or at each of K ticks (n, K, *axes)."""


STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Penalties on the weights of a linear model, as multiples of the usual one, which stands in the middle."""

CHANCE = 2
"""Standard errors by which another strength must be better on the validation part."""

Losses = Callable[[Any, Any, np.ndarray], np.ndarray]
"""(model, inputs, target) -> what each example costs."""

Guess = tuple[str, np.ndarray]
"""What was tried, and for each example of the test part what it says: log probabilities (n, K) of the classes, or numbers."""


def baseline(plan: Plan, data: Dataset, track: Track) -> Baseline | None:
    """A figure to beat. `simple` guesses the commonest class, the mean or the last value, and foresees a stream of text by an n-gram;
    `linear` fits a linear model.

    Of texts that are written, the commonest; of data on the disk the guess is simple, as a model would hold all of it. None where there is
    no test part, no metric, or a class at many places. Where `linear` or `ngram` was asked for, the check has refused all but the first.
    """
    loss = plan.losses[0]
    categories = loss.target_shape.kind != "number"
    judged = [metric for metric in plan.metrics if not isinstance(metric.config, SequenceMetric)]
    if track.baseline == "none" or data.test is None or not plan.metrics or (categories and loss.target_shape.axes):
        return None
    assert plan.spec.data is not None
    if loss.target_shape.kind == "token" and track.baseline != "ngram" and plan.spec.data.streamed != loss.target:
        return _commonest_text(plan, data, data.test, loss.target)
    if not judged:
        return None
    if any((metric.input, metric.target) != (loss.input, loss.target) for metric in judged):
        return None
    if may_lack(plan, loss.target):
        if loss.target_shape.time is not None:
            return None
        data = _known(data, loss.target)
    if data.test is None:
        return None
    if loss.target_shape.time is not None and not loss.is_forecast:
        return _at_ticks(plan, data, data.test, loss)
    classes = int(loss.target_shape.classes) if categories else None  # type: ignore[arg-type]
    found = _linear(plan, data, loss.target, classes) if track.baseline == "linear" and not data.train.on_disk else None
    name, guess = found or _simple(data, data.test, loss.target, classes, plan.spec.data.window)
    truth, lengths = data.test.values[loss.target][data.test.rows], dict[str, Tensor]()
    ticks = loss.target_shape.ticks
    scores = _scores(torch.from_numpy(guess).float().flatten(0, 0 if ticks is None else 1), loss, data)
    if ticks is not None:
        scores, truth = scores.view(-1, ticks, *scores.shape[1:]).transpose(0, 1), truth.transpose(0, 1)
        lengths[str(loss.target_shape.time)] = torch.full((len(data.test),), ticks)
    meters = Meters(plan, data.facts, torch.device("cpu"))
    values = {loss.input: scores, loss.target: truth}
    meters.update(values, Batch(values, lengths, len(data.test)))
    figures = {f"test/baseline_{label}": figure for label, figure in meters.compute().items()}
    return Baseline(name, figures, guess if loss.is_forecast else None)


def _at_ticks(plan: Plan, data: Dataset, test: Part, loss: Comparison) -> Baseline:
    """The same for a target along time: a guess at each tick."""
    guesses = tick_guesses(data.train, test, loss)
    meters = Meters(plan, data.facts, torch.device("cpu"))
    for guess, truth in guesses.parts:
        values = {loss.input: _scores(torch.from_numpy(guess).float(), loss, data)[None], loss.target: truth[None]}
        lengths = torch.ones(len(truth), dtype=torch.int64)  # each tick as an example of one
        meters.update(values, Batch(values, {str(loss.input_shape.time): lengths}, len(truth)))
    return Baseline(guesses.name, {f"test/baseline_{label}": figure for label, figure in meters.compute().items()})


def _commonest_text(plan: Plan, data: Dataset, test: Part, target: str) -> Baseline | None:
    """The same text for every example; None where no metric judges texts."""
    texts = Told(target, plan.fields, data.facts).true(data.train, data.train.rows)
    figures = Written(plan, data.facts).judge_same(Counter(texts).most_common(1)[0][0], test)
    return Baseline("the commonest text", {f"test/baseline_{label}": figure for label, figure in figures.items()}) if figures else None


def _simple(data: Dataset, test: Part, target: str, classes: int | None, window: Window | None) -> Guess:
    """The same guess for everybody, or what was there before."""
    learned = data.train.values[target][data.train.rows].numpy()
    field, _, port = target.partition(".")
    if classes is not None:
        shares = np.bincount(learned, minlength=classes) / len(learned)
        return "the commonest class", np.log(np.maximum(shares, LEAST))[None].repeat(len(test), 0)
    if port == "next" and window is not None and test.values[field].shape[2:] == test.values[target].shape[1 + window.several :]:
        return seasonal_naive(data.train, test, field, window)
    return "the mean", learned.mean(0)[None].repeat(len(test), 0)


def _linear(plan: Plan, data: Dataset, target: str, classes: int | None) -> Guess | None:
    """A linear model of everything the network reads, by scikit-learn; None where the training part has one class or row only."""
    from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV

    learned = data.train.values[target][data.train.rows].numpy()
    if len(learned) < 2 or (classes is not None and len(np.unique(learned)) < 2):
        return None
    texts = [name for name in plan.read if plan.fields[name].type_name() == "text"]
    train, valid, test = _inputs(plan, data, texts)
    name = "TF-IDF and " * bool(texts) + ("ridge regression" if classes is None else "logistic regression")
    if classes is None:
        numbers = learned.reshape(len(learned), -1)
        if not texts:  # leaving out each row in turn costs nothing here, and needs no validation part
            model = RidgeCV(np.logspace(-3, 3, 13)).fit(train, numbers)
        else:
            model = _best([Ridge(alpha).fit(train, numbers) for alpha in STRENGTHS], valid, _held(data, target), _squares)
        return name, model.predict(test).reshape(test.shape[0], *learned.shape[1:])
    usual = 3.0 if texts else 1.0
    with warnings.catch_warnings():
        from sklearn.exceptions import ConvergenceWarning

        warnings.simplefilter("ignore", ConvergenceWarning)  # a baseline may stop a little short of its best
        models = [LogisticRegression(C=usual / strength, max_iter=1000).fit(train, learned) for strength in STRENGTHS]
    return name, _logs(_best(models, valid, _held(data, target), _surprises), test, classes)


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


def _known(data: Dataset, target: str) -> Dataset:
    """The examples that have a target."""

    def of(part: Part) -> Part:
        given = part.given(target)
        return part if given is None else replace(part, rows=part.rows[given[part.rows].bool()])

    valid, test = (None if part is None or not len(of(part)) else of(part) for part in (data.valid, data.test))
    return replace(data, train=of(data.train), valid=valid, test=test)


def _held(data: Dataset, target: str) -> np.ndarray | None:
    """The right answers of the validation part."""
    return None if data.valid is None else data.valid.values[target][data.valid.rows].numpy()


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
    logs = np.full((inputs.shape[0], classes), np.log(LEAST))
    with np.errstate(divide="ignore"):  # who is very sure gives others no probability at all
        logs[:, model.classes_] = np.maximum(model.predict_log_proba(inputs), np.log(LEAST))
    return logs


def _inputs(plan: Plan, data: Dataset, texts: Sequence[str]) -> tuple[Any, Any, Any]:
    """All that the network reads, of the training, validation and test part: texts as weighted words, numbers scaled.

    Where there is no validation part its place is None.
    """
    from sklearn.preprocessing import StandardScaler

    held = [data.train, data.valid, data.test]
    blocks = [_words(name, held) for name in texts]
    numbers = [*(name for name in plan.read if name not in texts), *(f"{name}.next" for name in plan.foreseen)]
    if numbers:
        found = [part and np.concatenate([_features(part, name, plan.values[name]) for name in numbers], axis=1) for part in held]
        scaler = StandardScaler().fit(found[0])
        blocks.append([None if part is None else scaler.transform(part) for part in found])
    if len(blocks) == 1:
        train, valid, test = blocks[0]
        return train, valid, test
    from scipy.sparse import hstack

    train, valid, test = (None if part is None else hstack([block[place] for block in blocks]).tocsr() for place, part in enumerate(held))
    return train, valid, test


def _words(name: str, held: Sequence[Part | None]) -> list[Any]:
    """Weighted counts of words and of pairs of words, by part; of characters, where the texts have no words that occur twice."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    learned, *others = [None if part is None else [composed(part.texts[name][row]) for row in part.rows.tolist()] for part in held]
    try:
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit(learned)
    except ValueError:  # says sklearn where nothing is left
        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True).fit(learned)
    return [None if texts is None else vectorizer.transform(texts) for texts in (learned, *others)]


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
