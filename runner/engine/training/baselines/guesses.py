"""What somebody without a network says at each tick of a target along time: the commonest class, the mean, or by an n-gram."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nnrun.runner.compiler.plan import Comparison
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.training.baselines.ngram import ORDER, Ngram, Tokens

LEAST = 1e-6
"""Probability of what never occurs in the training part: not zero, for one surprise would then be infinite."""


Guess = tuple[str, np.ndarray]
"""What was tried, and for each example of the test part what it says: log probabilities (n, K) of the classes, or numbers."""


@dataclass(frozen=True)
class Guesses:
    """What was tried, and for some ticks at a time what it says, log probabilities (m, K) or numbers (m, *axes), the truth, and how many of
    these ticks each example has."""

    name: str
    parts: Iterable[tuple[np.ndarray, Tensor, list[int]]]


def tick_guesses(train: Part, test: Part, loss: Comparison) -> Guesses:
    """Guesses for the test part. Tokens are foreseen one by one."""
    target, kind = loss.target, loss.target_shape.kind
    learned, truth = ticks(train, target), ticks(test, target)
    if kind == "token":
        return Guesses(f"an interpolated {ORDER}-gram", _foreseen(train, test, target, int(loss.target_shape.classes)))  # type: ignore[arg-type]
    lengths = test.lengths[test.times[target]][test.rows].tolist()
    if kind == "number":
        return Guesses("the mean", [(learned.mean(0, keepdim=True).expand(truth.shape).numpy(), truth, lengths)])
    shares = np.bincount(learned.numpy(), minlength=int(loss.target_shape.classes)) / len(learned)  # type: ignore[arg-type]
    return Guesses("the commonest class", [(np.log(np.maximum(shares, LEAST))[None].repeat(len(truth), 0), truth, lengths)])


def ticks(part: Part, name: str) -> Tensor:
    """All real ticks of a value, (M, *axes), example by example."""
    values, lengths = part.values[name][part.rows], part.lengths[part.times[name]][part.rows]
    return values[torch.arange(values.shape[1]) < lengths[:, None]]


def _foreseen(train: Part, test: Part, target: str, classes: int) -> Iterator[tuple[np.ndarray, Tensor, list[int]]]:
    model, asked = Ngram(_tokens(train, target), classes), _tokens(test, target)
    for here, chances in model.probabilities(asked):
        yield np.log(chances), torch.from_numpy(asked.values[here]), [len(chances)]


def _tokens(part: Part, name: str) -> Tokens:
    """The tokens of a part. Pieces of a stream that follow each other are one sequence, all other examples one each."""
    lengths = part.lengths[part.times[name]][part.rows].numpy()
    follows = np.zeros(len(part.rows), dtype=bool)
    if not part.texts:  # a piece is named by the token that it begins with
        follows[1:] = np.diff(part.rows.numpy()) == lengths[:-1]
    starts = np.cumsum(lengths) - lengths
    first = np.maximum.accumulate(np.where(follows, 0, starts))
    values = ticks(part, name).numpy()
    return Tokens(values, np.arange(len(values)) - np.repeat(first, lengths))
