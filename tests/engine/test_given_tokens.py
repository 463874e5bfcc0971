"""Tokens that the data gives as lists, and a tag for each."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch

from nnrun.registry.field import DataError
from nnrun.registry.fields.text import Text
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.training.baselines.baseline import baseline
from tests.compiler.support import headlines
from tests.contract.test_tick_metrics import judged
from tests.engine.support import CPU, Built, build

SPEC = """
nnrun: 1
name: test
data:
  source: {source: parquet, file: rows.parquet}
  fields:
    tags:  {type: category, along: words}
    words: {type: text, tokens: given}
  split: {valid: 0, test: 0.5, chronological: true, stratify: false}
nodes:
  read: {type: embedding, units: 3}
  cell: {type: gru, units: 4}
  out: {type: linear, units: tags}
edges: [words -> read -> cell -> out]
train: {loss: {type: cross_entropy, input: out, target: tags}}
metrics: [entity_f1, accuracy]
"""
COLUMNS = {
    "words": [["Ann", "Lee", "met", "Bo"], ["Bo", "left"], ["she", "met", "Ann Lee"], ["Ann", "Lee", "left", "Bo", "met"]],
    "tags": [["B-n", "I-n", "O", "B-n"], ["B-n", "O"], ["O", "O", "B-n"], ["B-n", "I-n", "O", "B-n", "I-n"]],
}
CUT = SPEC.replace("tokens: given", "tokens: given, max_length: 3")


def built(text: str = SPEC, **columns: Any) -> Built:
    return build(text, {**COLUMNS, **columns})


def field(**options: Any) -> Text:
    return Text.model_validate({"type": "text", "tokens": "given", **options})


def test_a_token_is_what_the_list_holds() -> None:
    words = field()
    facts = words.fit(COLUMNS["words"])

    assert facts["vocabulary"][4:] == ["Bo", "met", "Ann", "Lee", "left", "Ann Lee", "she"]
    assert words.decode(words.encode(COLUMNS["words"], facts).values, facts) == COLUMNS["words"]


def test_rows_may_be_tuples_or_arrays() -> None:
    words, rows = field(), [("a", "b"), np.array(["b", "a", "a"], dtype=object)]
    facts = words.fit(rows)

    assert facts["vocabulary"][4:] == ["a", "b"]
    assert words.encode(rows, facts).values.tolist() == [[4, 5, 0], [5, 4, 4]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Ann Lee", "row 1 holds `Ann Lee`, where a list of tokens is wanted"),
        (None, "row 1 has no value"),
        ([], "row 1 holds a text without any token: `[]`"),
        (["Ann", 5], "row 1 holds `5`, which is no text, at tick 2"),
        (["", "Lee"], "row 1 has no value, at tick 1"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(row: Any, message: str) -> None:
    with pytest.raises(DataError) as error:
        field().fit([row])

    assert error.value.message == message


def test_what_lies_along_a_text_is_cut_with_it() -> None:
    train = built(CUT).data.train

    assert train.lengths["words"].tolist() == [3, 2, 3, 3]
    assert train.values["words"].shape == train.values["tags"].shape == (4, 3)
    classes = built(CUT).data.facts["tags"]["classes"]
    assert [classes[tag] for tag in train.values["tags"][0].tolist()] == ["B-n", "I-n", "O"]


@pytest.mark.parametrize("text", [SPEC, CUT])
def test_another_number_of_tags_than_of_tokens_is_refused(text: str) -> None:
    with pytest.raises(DataError) as error:
        built(text, tags=[["B-n", "I-n", "O"], *COLUMNS["tags"][1:]])

    assert error.value.message == "`tags` in row 1 of `rows.parquet` has 3 ticks, but `words` has 4 there"


def test_entity_f1_of_a_part_knows_where_each_example_ends() -> None:
    trained = built()
    part = trained.data.test
    assert part is not None
    predictor = Predictor(trained.network, trained.plan, trained.data.facts)

    figures = trained.evaluator.evaluate(part, "test")

    guess = predictor.answers(part)["tags"]
    assert figures["test/entity_f1"] == pytest.approx(judged(COLUMNS["tags"][2:], guess))
    right = np.array([*chain(*guess)]) == np.array([*chain(*COLUMNS["tags"][2:])])
    assert figures["test/accuracy"] == pytest.approx(right.mean())


def test_a_training_that_goes_on_has_what_was_counted() -> None:
    trained, other = built(), built()
    part = trained.data.test
    assert part is not None
    batch = part.batch(part.rows)
    scores = torch.nn.functional.one_hot(batch.values["tags"], 3).float()
    trained.evaluator.meters.update({"out": scores, "tags": batch.values["tags"]}, batch)

    other.evaluator.meters.take(trained.evaluator.meters.state())

    assert other.evaluator.meters.compute() == {"entity_f1": 1.0, "accuracy": 1.0}


def test_the_baseline_is_judged_by_whole_examples() -> None:
    trained = built()
    found = baseline(trained.plan, trained.data, trained.plan.spec.track)

    assert found is not None
    assert found.name == "the commonest class"
    guess = [["B-n"] * len(row) for row in COLUMNS["tags"][2:]]
    assert found.figures["test/baseline_entity_f1"] == pytest.approx(judged(COLUMNS["tags"][2:], guess))


def test_a_list_is_answered_with_a_list() -> None:
    trained = built()
    predictor = Predictor(trained.network.to(CPU), trained.plan, trained.data.facts)

    answers = predictor.ask({"words": [["Ann", "left", "Rome"], "Ann left", ["Bo"]]})

    assert [len(row) for row in answers.columns["tags"]] == [3, 1]
    assert list(answers.refused) == [1]
    assert [*map(str, answers.strange)] == ["`words`: 1 of 4 tokens have no place of their own in the training part"]


def test_numbers_have_no_spans() -> None:
    found = headlines(SPEC.replace("metrics: [entity_f1, accuracy]", "metrics: [{type: entity_f1, target: read}]"))

    what = "the metric `entity_f1` takes a category as its target, a tag at each tick"
    assert found == [f"shape-mismatch: {what}, but `read` gives (N=3) at each tick of `words`"]


def test_classes_of_a_node_have_no_names() -> None:
    text = SPEC.replace("nodes:\n", "nodes:\n  again: {type: repeat}\n").replace(
        "edges: [", "edges: [kind -> again, words -> again.along, "
    )
    text = text.replace("  split:", "    kind: {type: category, classes: [B-n, I-n, O]}\n  split:").replace(
        "along: words}", "along: words, classes: [B-n, I-n, O]}"
    )

    found = headlines(text.replace("metrics: [entity_f1, accuracy]", "metrics: [{type: entity_f1, target: again}]"))

    assert found == [
        "shape-mismatch: `entity_f1` judges the spans that the tags of `again` mark, and it is no field, whose tags have names"
    ]


def test_one_class_a_row_has_no_spans() -> None:
    text = SPEC.replace(", along: words", "").replace("[words -> read -> cell -> out]", "[words -> read -> cell -> end -> out]")
    text = text.replace("nodes:\n", "nodes:\n  end: {type: last}\n")

    assert headlines(text) == ["shape-mismatch: `entity_f1` judges the spans that the tags of `tags` mark, and it has no ticks"]


def test_given_tokens_are_not_written() -> None:
    text = SPEC.replace("edges: [", "edges: [prev(word) -> put -> told, told -> made -> word, ").replace(
        "nodes:\n",
        "nodes:\n  put: {type: embedding, units: 3}\n  told: {type: gru, units: 3}\n  made: {type: linear, units: words}\n"
        "  word: {type: choice, target: words}\n",
    )
    text = text.replace("input: out, target: tags", "input: made, target: words").replace("metrics: [entity_f1, accuracy]\n", "")

    assert "conflicting-keys: `word` writes texts, and the tokens of `words` are given as lists" in headlines(text)


def test_a_window_does_not_cut_given_tokens() -> None:
    text = SPEC.replace("    tags:  {type: category, along: words}\n", "").replace("  split:", "  window: {length: 4}\n  split:")

    found = "conflicting-keys: `window` makes one stream of a text, and the tokens of `words` are given as lists"
    assert found in headlines(text)
