"""Baselines of targets along time: an n-gram by hand and by another implementation, the commonest class, the commonest text."""

from __future__ import annotations

from collections import Counter
from math import log2
from typing import Any

import numpy as np
import pytest

from nnrun.runner.engine.training.baselines.baseline import Baseline, baseline
from nnrun.runner.engine.training.baselines.ngram import ORDER, Ngram, Tokens
from tests.compiler.support import headlines
from tests.engine.support import build

STREAM = """
nnrun: 1
name: test
data:
  source: {source: csv, file: data.csv}
  fields: {text: {type: text, tokens: characters, lower: false}}
  window: {length: 10}
  split: {train: 0.7, valid: 0.1, test: 0.2}
nodes:
  read: {type: embedding, units: 2}
  cell: {type: gru, units: 2}
  scores: {type: linear, units: text}
  letter: {type: choice, target: text}
edges: [prev(letter) -> read -> cell -> scores -> letter]
train: {loss: {type: cross_entropy, input: scores, target: text}}
metrics: [bits_per_character]
"""

LABELS = """
nnrun: 1
name: test
data:
  source: {source: csv, file: data.csv}
  fields: {x: {type: series}, y: {type: TYPE, along: x}}
  split: {valid: 0, test: 0.5, chronological: true, stratify: false}
nodes: {cell: {type: gru, units: 3}, out: {type: linear, units: UNITS}}
edges: [x -> cell -> out]
train: {loss: {type: LOSS, input: out, target: y}}
metrics: [METRIC]
"""

WRITING = """
nnrun: 1
name: test
data:
  source: {source: csv, file: data.csv}
  fields: {x: {type: number}, words: {type: text}}
  split: {valid: 0, test: 0.5, chronological: true, stratify: false}
nodes:
  start: {type: linear, units: 2}
  read: {type: embedding, units: 2}
  cell: {type: gru, units: 2}
  scores: {type: linear, units: words}
  word: {type: choice, target: words}
edges: [x -> start -> cell.initial, prev(word) -> read -> cell -> scores -> word]
train: {loss: {type: cross_entropy, input: scores, target: words}}
metrics: [exact_match, accuracy]
"""


def tokens(*sequences: list[int]) -> Tokens:
    places = [np.arange(len(sequence)) for sequence in sequences]
    return Tokens(np.concatenate([np.array(sequence, dtype=np.int64) for sequence in sequences]), np.concatenate(places))


def told(model: Ngram, asked: Tokens) -> np.ndarray:
    return np.concatenate([chances for _, chances in model.probabilities(asked)])


MARK = -1
"""Stands before the first token of each sequence."""


def interpolated(learned: list[list[int]], context: list[int], classes: int, order: int) -> list[float]:
    """The same from its definition, word by word."""
    chances = [1 / classes] * classes
    marked, context = [[MARK, *one] for one in learned], [MARK, *context]
    for length in range(min(order - 1, len(context)) + 1):
        recent = context[len(context) - length :]
        follows = Counter(one[at] for one in marked for at in range(max(length, 1), len(one)) if one[at - length : at] == recent)
        if not follows:
            break
        chances = [(follows[word] + len(follows) * chances[word]) / (follows.total() + len(follows)) for word in range(classes)]
    return chances


def test_two_letters_by_hand() -> None:
    # learned from "aba": p(a) = (2 + 2/2) / (3 + 2) = 0.6; behind a, once b: p(a|a) = (0 + 0.6) / (1 + 1) = 0.3; behind b, once a, and
    # at the beginning, once a: (1 + 0.6) / (1 + 1) = 0.8
    model = Ngram(tokens([0, 1, 0]), classes=2, order=2)

    assert told(model, tokens([0, 0, 1, 1])) == pytest.approx(np.array([[0.8, 0.2], [0.3, 0.7], [0.3, 0.7], [0.8, 0.2]]))


@pytest.mark.parametrize("seed", range(5))
def test_counting_by_sorting_equals_counting_word_by_word(seed: int) -> None:
    rng = np.random.default_rng(seed)
    learned = [rng.integers(0, 4, size).tolist() for size in (40, 1, 15)]
    asked = [rng.integers(0, 5, size).tolist() for size in (12, 1, 6)]  # the last class never occurs in what is learned from
    wanted = [interpolated(learned, one[:at], 5, 4) for one in asked for at in range(len(one))]

    assert told(Ngram(tokens(*learned), 5, 4), tokens(*asked)) == pytest.approx(np.array(wanted))


def test_less_than_an_ngram_to_learn_from_is_enough() -> None:
    chances = told(Ngram(tokens([1, 0]), classes=3), tokens([1, 0, 2, 2]))

    assert chances.sum(1) == pytest.approx(np.ones(4))
    assert chances[1] == pytest.approx(np.array(interpolated([[1, 0]], [1], 3, ORDER)))


def found(text: str, columns: dict[str, Any]) -> Baseline:
    built = build(text, columns)
    made = baseline(built.plan, built.data, built.plan.spec.track)
    assert made is not None
    return made


@pytest.mark.parametrize("track", ["", "track: {baseline: ngram}"])
def test_a_stream_of_text_is_foreseen_by_itself_from_the_training_part_alone(track: str) -> None:
    rng = np.random.default_rng(0)
    columns = {"text": ["".join(rng.choice(list("aabc "), 300))]}
    built = build(STREAM, columns)
    learned, asked = (part.values["text"][part.rows].flatten().tolist() for part in (built.data.train, built.data.test) if part is not None)
    classes = len(built.data.facts["text"]["vocabulary"])
    bits = [-log2(interpolated([learned], asked[:at], classes, ORDER)[asked[at]]) for at in range(len(asked))]
    made = found(STREAM + track, columns)

    assert made.name == "an interpolated 6-gram"
    assert made.figures == {"test/baseline_bits_per_character": pytest.approx(sum(bits) / len(bits), abs=1e-5)}


def test_a_label_at_each_tick_stands_beside_the_commonest() -> None:
    # learned from 3 b and 1 a; of the 5 ticks to test 2 are b
    columns = {"x": [[0.0, 1.0], [1.0, 2.0], [0.0] * 3, [1.0] * 2], "y": [["b", "b"], ["a", "b"], ["a", "b", "a"], ["b", "a"]]}
    text = LABELS.replace("TYPE", "category").replace("UNITS", "y").replace("LOSS", "cross_entropy").replace("METRIC", "accuracy")

    assert found(text, columns) == Baseline("the commonest class", {"test/baseline_accuracy": pytest.approx(2 / 5)})


def test_a_number_at_each_tick_stands_beside_the_mean() -> None:
    # the mean of 1, 2, 3 is 2; the error of 2 against 4, 0, 2 is the root of (4 + 4 + 0) / 3
    columns = {"x": [[0.0], [1.0, 2.0], [0.0, 1.0, 2.0]], "y": [[1.0], [2.0, 3.0], [4.0, 0.0, 2.0]]}
    text = LABELS.replace("TYPE", "number").replace("UNITS", "1").replace("LOSS", "mse").replace("METRIC", "rmse")

    assert found(text.replace("0.5", "0.34"), columns) == Baseline("the mean", {"test/baseline_rmse": pytest.approx((8 / 3) ** 0.5)})


def test_texts_that_are_written_stand_beside_the_commonest_text() -> None:
    texts = ["one two", "one", "one two", "three", "one two", "three", "one two one", "one"]
    made = found(WRITING, {"x": [0.0] * 8, "words": texts})

    assert made == Baseline("the commonest text", {"test/baseline_exact_match": pytest.approx(1 / 4)})


def test_texts_are_foreseen_word_by_word_where_that_is_asked_for() -> None:
    made = found(WRITING + "track: {baseline: ngram}", {"x": [0.0] * 8, "words": ["a b"] * 8})

    assert made == Baseline("an interpolated 6-gram", {"test/baseline_accuracy": 1.0})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LABELS.replace("TYPE", "number").replace("UNITS", "1").replace("LOSS", "mse").replace("METRIC", "rmse"), "and `y` is a number"),
        (WRITING.replace(", accuracy", ""), "is judged by `metrics`, and there are none of single tokens"),
        (STREAM.replace("metrics: [bits_per_character]", ""), "is judged by `metrics`, and there are none"),
    ],
)
def test_an_ngram_that_cannot_be_counted_is_refused_before_the_training(text: str, why: str) -> None:
    found = headlines(text + "track: {baseline: ngram}\n")

    assert len(found) == 1
    assert found[0].startswith("not-supported-yet: `baseline: ngram` ")
    assert why in found[0]
