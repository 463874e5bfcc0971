"""Texts that have a vocabulary in common, so that one table of vectors serves them all."""

from __future__ import annotations

import pytest

from nnrun.registry.field import DataError
from nnrun.runner.compiler.check import check
from nnrun.runner.engine.data.dataset import Dataset, prepare
from nnrun.runner.smoke import smoke
from tests.compiler.support import headlines

SPEC = """
nnrun: 1
name: twins
data:
  source: csv
  file: pairs.csv
  split: {by: part}
  fields:
    one: {type: text}
    other: {type: text, vocabulary: one}
    same: {type: category, classes: ["no", "yes"]}
nodes:
  embed: {type: embedding, units: 4}
  again: {type: embedding, units: 4, share: embed}
  end: {type: last}
  stop: {type: last}
  scores: {type: linear, units: same}
edges: [one -> embed -> end -> scores, other -> again -> stop -> scores]
train: {loss: {type: cross_entropy, input: scores, target: same}}
"""
COLUMNS = {
    "one": ["red red blue", "red", "green"],
    "other": ["blue blue blue", "white red", "black"],
    "same": ["yes", "no", "no"],
    "part": ["train", "train", "test"],
}


def prepared(text: str, **columns: list[str | None]) -> Dataset:
    plan = check(text).plan
    assert plan is not None
    assert plan.spec.data is not None
    return prepare(plan.spec.data, plan.fields, {"all": {**COLUMNS, **columns}}, plan.targets)


def test_the_training_parts_of_all_columns_teach_it() -> None:
    data = prepared(SPEC)

    assert data.facts["one"]["vocabulary"][4:] == ["blue", "red", "white"], "four times each but white; nothing of the test part"
    assert data.facts["other"] == data.facts["one"]
    assert data.train.values["other"].tolist() == [[4, 4, 4], [6, 5, 0], [1, 0, 0]]
    assert check(SPEC, facts=data.facts).report.ids == []


def test_the_one_that_is_named_says_how_large_it_is() -> None:
    assert prepared(SPEC.replace("one: {type: text}", "one: {type: text, vocabulary: 5}")).facts["other"]["vocabulary"][4:] == ["blue"]


def test_a_column_without_a_text_is_named_with_its_own_row() -> None:
    with pytest.raises(DataError, match=r"`other` in row 2 of `pairs.csv` has no value"):
        prepared(SPEC, other=["blue", None, "black"])


def test_twins_work_on_made_up_data() -> None:
    assert smoke(check(SPEC)) is None


SHARES = "`other` shares the vocabulary of"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("vocabulary: ones", f"unknown-name: {SHARES} `ones`, and there is no such field"),
        ("vocabulary: same", f"shape-mismatch: {SHARES} `same`, which is a `category`"),
        ("vocabulary: other", f"conflicting-keys: {SHARES} `other`, which has none of its own"),
        ("vocabulary: one, tokens: characters", f"conflicting-keys: {SHARES} `one`, and cuts its texts otherwise: `tokens` differs"),
        ("vocabulary: one, lower: false", f"conflicting-keys: {SHARES} `one`, and cuts its texts otherwise: `lower` differs"),
        (
            "vocabulary: one, min_count: 2",
            "shape-mismatch: `other`: `min_count` is about a vocabulary learned from the data, but `one` brings one",
        ),
    ],
)
def test_a_vocabulary_that_cannot_be_shared_is_refused(options: str, said: str) -> None:
    assert headlines(SPEC.replace("vocabulary: one", options)) == [said]


def test_two_that_name_each_other_are_refused() -> None:
    text = SPEC.replace("one: {type: text}", "one: {type: text, vocabulary: other}")

    assert headlines(text) == [
        "conflicting-keys: `one` shares the vocabulary of `other`, which has none of its own",
        f"conflicting-keys: {SHARES} `one`, which has none of its own",
    ]
