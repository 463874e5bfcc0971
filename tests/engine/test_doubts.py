"""What a run says of its data and its network before it trains."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nnrun.runner.compiler.check import check
from nnrun.runner.engine.data.columns import load_columns
from nnrun.runner.engine.data.dataset import prepare
from nnrun.runner.engine.training.doubts import doubts, numbers_of, trained
from nnrun.runner.job import Job
from tests.engine.support import Built, build
from tests.tracking.support import ROOT

TABLE = """
nnrun: 1
name: test
data:
  source: {source: csv, file: data.csv}
  fields: {x: {type: vector, columns: [a, b]}, y: {type: category}}
  split: {stratify: false, chronological: true}
nodes:
  hidden: {type: linear, units: 8, activation: relu}
  scores: {type: linear, units: y}
edges: [x -> hidden -> scores]
train: {loss: {type: cross_entropy, input: scores, target: y}}
"""

SERIES = """
nnrun: 1
name: test
data:
  source: {source: csv, file: data.csv}
  fields: {x: {type: series}}
  window: {length: 5}
nodes: {cell: {type: gru, units: 3}, end: {type: last}, next: {type: linear, units: 1}}
edges: [x -> cell -> end -> next]
train: {loss: {type: mse, input: next, target: x.next}}
"""

TEXTS = """
nnrun: 1
name: test
data:
  source: {source: csv, file: data.csv}
  fields: {text: {type: text}, y: {type: category}}
  split: {valid: 0.25, test: 0.25, stratify: false, chronological: true}
nodes: {embed: {type: embedding, units: 2}, end: {type: pool_time}, scores: {type: linear, units: y}}
edges: [text -> embed -> end -> scores]
train: {loss: {type: cross_entropy, input: scores, target: y}}
"""


def table(count: int) -> dict[str, list[Any]]:
    """Rows that are all different."""
    return {"a": [str(row) for row in range(count)], "b": ["0"] * count, "y": [("one", "two")[row % 2] for row in range(count)]}


def said(built: Built, *given: str) -> list[str]:
    return list(doubts(built.plan, replace(built.data, given=given or ("all",))))


NO_VALID = (
    "no example is left for the part `valid` of a share of 0.1, beside 4 to learn from: the last weights are kept, whichever were best"
)
NO_TEST = "no example is left for the part `test` of a share of 0.1, beside 3 to learn from: nothing is tested"


@pytest.mark.parametrize(("other", "warning"), [("test", NO_VALID), ("valid", NO_TEST)])
def test_a_part_that_rounding_left_empty_is_told(other: str, warning: str) -> None:
    settings = ["data.split.test=0"] if other == "test" else []

    assert said(build(TABLE, table(4), "nodes.hidden.units=1", *settings)) == [warning]


def test_a_part_that_nobody_asked_for_is_not_missed() -> None:
    assert said(build(TABLE, table(40), "data.split.valid=0", "data.split.test=0")) == []
    assert said(build(TABLE, table(4), "nodes.hidden.units=1"), "train", "valid") == []


def test_test_rows_that_are_training_rows_are_counted() -> None:
    columns = table(40)  # 32 to learn from, 4 to choose by, 4 to test on
    for column in columns.values():
        column[38:40] = column[0:2]

    assert said(build(TABLE, columns)) == [
        "2 of 4 examples of the test part (50%) are training examples too: what is remembered passes for what is understood"
    ]


def test_a_row_with_another_answer_is_another_example() -> None:
    columns = table(40)
    columns["a"][38:40] = columns["a"][0:2]
    columns["y"][38:40] = ["two", "one"]

    assert said(build(TABLE, columns)) == []


def test_a_test_part_of_unknown_words_is_told() -> None:
    columns = {"text": ["good film", "bad film"] * 4 + ["good film not", "bad film not"] * 2 + ["καλή ταινία", "κακή ταινία"] * 2}

    found = said(build(TEXTS, {**columns, "y": ["good", "bad"] * 8}, "nodes.embed.units=1"))

    assert "100% of the tokens of `text` in the test part are unknown: they do not occur in the training part" in found
    assert not any("unknown" in text and "validation" in text for text in found)  # a third of them


def test_numbers_are_those_of_the_training_part() -> None:
    assert numbers_of(build(TABLE, table(40)).data.train) == 32 * (2 + 1)


def test_a_tick_that_many_windows_hold_counts_once() -> None:
    built = build(SERIES, {"x": np.arange(50.0)})

    assert len(built.data.train) == 40 - 5  # windows of the first 40 ticks, with what they predict
    assert numbers_of(built.data.train) == 39  # the last one is a target only


def test_padding_counts_for_nothing() -> None:
    built = build(TEXTS, {"text": ["one", "one two three"] * 8, "y": ["good", "bad"] * 8})

    assert numbers_of(built.data.train) == 4 * (1 + 3) + 8


@pytest.mark.parametrize(("units", "warned"), [(8, False), (400, True)])
def test_overfitting_is_expected_of_more_than_ten_parameters_a_number(units: int, warned: bool) -> None:
    built = build(TABLE, table(40), f"nodes.hidden.units={units}")  # 96 numbers

    assert trained(built.plan) == units * 2 + units + units * 2 + 2
    assert any("expect overfitting" in text for text in said(built)) == warned


def test_frozen_weights_overfit_nothing() -> None:
    frozen = build(TABLE, table(40), "nodes.hidden.units=400", "nodes.hidden.freeze=true")
    named = build(TABLE, table(40), "nodes.hidden.units=400", "train.nodes=[scores]")

    assert trained(frozen.plan) == trained(named.plan) == 400 * 2 + 2


@pytest.mark.parametrize("name", ["lstm_sentiment", "hopfield_letters", "elnino_rolling_window", "rbm_digits"])
def test_what_is_as_it_should_be_gives_no_cause_for_doubt(name: str) -> None:
    job = Job.read(ROOT / "specs" / f"{name}.yaml")
    first = job.checked.plan
    assert first is not None
    assert first.spec.data is not None
    parts = load_columns(first.spec.data, first.fields, job.folder)
    data = prepare(first.spec.data, first.fields, parts, first.targets, job.folder)
    plan = check(job.text, facts=data.facts).plan
    assert plan is not None

    assert list(doubts(plan, data)) == []
