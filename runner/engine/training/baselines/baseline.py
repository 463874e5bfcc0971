"""The honest baseline: how well somebody does without a network, judged by the same metrics on the same test part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from nnrun.registry.modules.units import natural
from nnrun.registry.objective import SequenceMetric
from nnrun.runner.compiler.language.data import Window
from nnrun.runner.compiler.language.spec import Track
from nnrun.runner.compiler.plan import Comparison, Plan
from nnrun.runner.engine.data.batch import Batch, Part
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.data.told import Told
from nnrun.runner.engine.training.baselines.boosting import boosting
from nnrun.runner.engine.training.baselines.forecast import seasonal_naive
from nnrun.runner.engine.training.baselines.guesses import LEAST, Guess, tick_guesses
from nnrun.runner.engine.training.baselines.linear import linear
from nnrun.runner.engine.training.objective import Meters, may_lack, target_facts
from nnrun.runner.engine.training.written import Written


@dataclass(frozen=True)
class Baseline:
    """What was tried, and its figures: `test/baseline_accuracy`."""

    name: str
    figures: Mapping[str, float]
    guess: np.ndarray | None = None
    """Of a forecast, what it says of each example of the test part: (n, *axes), or at each of K ticks (n, K, *axes)."""


MODELS = {"linear": linear, "boosting": boosting}


def baseline(plan: Plan, data: Dataset, track: Track) -> Baseline | None:
    """A figure to beat. `simple` guesses the commonest class, the mean or the last value, and foresees a stream of text by an n-gram;
    `linear` fits a linear model, `boosting` trees.

    Of texts that are written, the commonest; of data on the disk the guess is simple, as a model would hold all of it. None where there is
    no test part, no metric, no field that anything is compared with, or a class at many places. Where another than `simple` was asked for,
    the check has refused all but the first.
    """
    loss = next((one for one in plan.answering if one.target in data.train.values), None)
    if loss is None:
        return None
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
    model = MODELS.get(track.baseline) if not data.train.on_disk else None
    name, guess = (model and model(plan, data, loss.target, classes)) or _simple(
        data, data.test, loss.target, classes, plan.spec.data.window
    )
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
    for guess, truth, lengths in guesses.parts:
        said = _scores(torch.from_numpy(guess).float(), loss, data)
        values = {name: pad_sequence(list(torch.split(ticks, lengths))) for name, ticks in ((loss.input, said), (loss.target, truth))}
        meters.update(values, Batch(values, {str(loss.input_shape.time): torch.tensor(lengths)}, len(lengths)))
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


def _known(data: Dataset, target: str) -> Dataset:
    """The examples that have a target."""

    def of(part: Part) -> Part:
        given = part.given(target)
        return part if given is None else replace(part, rows=part.rows[given[part.rows].bool()])

    valid, test = (None if part is None or not len(of(part)) else of(part) for part in (data.valid, data.test))
    return replace(data, train=of(data.train), valid=valid, test=test)


def _scores(guess: Tensor, loss: Comparison, data: Dataset) -> Tensor:
    """The guess as the network would have said it."""
    if loss.target_shape.kind != "number":
        return guess if loss.input_shape.size != 1 else (guess[:, 1] - guess[:, 0]).reshape(-1, *loss.input_shape.axes)  # type: ignore[arg-type]
    if loss.config.logits:
        guess = natural(guess, target_facts(loss, data.facts)).clamp(LEAST, 1 - LEAST).logit()
    return guess.reshape(len(guess), *loss.input_shape.axes)  # type: ignore[arg-type]
