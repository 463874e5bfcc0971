"""What counts as the truth of a text: what the data says, whatever the network can see and write of it."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from nnrun.runner.compiler.language.decoding import Decode
from nnrun.runner.engine.inference.decode import generate
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.inference.samples import samples
from tests.engine.support import Built, build, train

SPEC = """\
nnrun: 1
name: names
data:
  source: csv
  file: none.csv
  fields:
    source: {type: text}
    target: {type: text}
nodes:
  read:    {type: embedding, units: 12}
  encoder: {type: gru, units: 16}
  write:   {type: embedding, units: 12}
  decoder: {type: gru, units: 16}
  scores:  {type: linear, units: target}
  word:    {type: choice, target: target}
edges:
  - source -> read -> encoder
  - encoder.state -> decoder.initial
  - prev(word) -> write -> decoder -> scores -> word
train:
  loss: {type: cross_entropy, input: scores, target: target}
  optimizer: {type: adam, lr: 2e-2}
  epochs: 12
  batch_size: 16
metrics: [exact_match, bleu]
decode:
  word: {max_length: 8}
"""


def learned(targets: list[str], *settings: str) -> tuple[Built, dict[str, float]]:
    built = build(SPEC, {"source": ["a"] * len(targets), "target": targets}, *settings)
    outcome, _ = train(built)
    return built, dict(outcome.figures)


def names(count: int) -> list[str]:
    rng = random.Random(0)
    return [" ".join("".join(rng.choices("abcdefgh", k=8)) for _ in range(3)) + " and" for _ in range(count)]


def test_words_that_the_vocabulary_lacks_are_not_right() -> None:
    built, figures = learned(names(100), "data.fields.target.min_count=2")

    assert built.data.facts["target"]["vocabulary"][4:] == ["and"]
    assert figures["test/exact_match"] == 0
    assert figures["test/bleu"] == 0
    assert figures["test/unknown_words"] == 1.0


def test_an_end_that_is_cut_off_is_missed() -> None:
    targets = ["one two three four"] * 100
    _, whole = learned(targets)
    _, cut = learned(targets, "data.fields.target.max_length=2")

    assert whole["test/exact_match"] == 1.0
    assert cut["test/exact_match"] == 0.0


def test_unknown_is_never_written() -> None:
    built, _ = learned(names(100), "data.fields.target.min_count=2")
    predictor, part = Predictor(built.network, built.plan, built.data.facts), built.data.test
    assert part is not None

    assert not [text for text in predictor.answers(part)["target"] if "unknown" in text]


def test_the_truth_is_shown_as_the_data_has_it() -> None:
    built = build(SPEC, {"source": ["Who?"] * 20, "target": ["Zoë,  she said (twice)"] * 20}, "data.fields.target.max_length=2")
    predictor, part = Predictor(built.network, built.plan, built.data.facts), built.data.train

    assert set(predictor.truth(part)["target"]) == {"Zoë,  she said (twice)"}
    assert samples(predictor, part)["source"] == ["Who?"] * 8
    assert samples(predictor, part)["true_target"] == ["Zoë,  she said (twice)"] * 8


@pytest.mark.parametrize("search", ["greedy", "beam", "sample"])
def test_a_prompt_may_hold_words_that_the_vocabulary_lacks(search: Any) -> None:
    built, _ = learned(["one two three"] * 100)
    predictor, part = Predictor(built.network, built.plan, built.data.facts), built.data.train
    forced, settings = predictor.symbols("One ZYX"), Decode(search=search, max_length=4)
    ((best, *_),) = generate(built.network, part.batch(part.rows[:1]), settings, forced=forced)

    assert math.isfinite(best.score)
    assert predictor.text_of(best, "One ZYX").startswith("one zyx")
    assert "unknown" not in predictor.text_of(best, "One ZYX")
