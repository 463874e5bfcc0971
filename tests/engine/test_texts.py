"""Texts as one stream of tokens: divided in their order, cut into pieces, read on from piece to piece."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nnrun.registry.field import DataError
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.language.data import Split
from nnrun.runner.compiler.resolved import resolved_text
from nnrun.runner.engine.data.texts import divided
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.smoke import smoke
from tests.compiler.support import headlines
from tests.engine.support import Built, build, train

LETTERS = """\
nnrun: 1
name: letters
data:
  source: csv
  file: letters.csv
  fields:
    text: {type: text, tokens: characters}
  window: {length: 5}
  split: {train: 0.6, valid: 0.2, test: 0.2}
nodes:
  embed: {type: embedding, units: 8}
  memory: {type: gru, units: 16}
  scores: {type: linear, units: text}
edges: [prev(text) -> embed -> memory -> scores]
train:
  loss: {type: cross_entropy, input: scores, target: text}
  optimizer: {type: adam, lr: 0.02}
  batch_size: 2
  epochs: 30
  carry_state: true
metrics: [accuracy]
"""

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def pieces(built: Built, part: str) -> list[str]:
    held = getattr(built.data, part)
    vocabulary = built.data.facts["text"]["vocabulary"]
    return ["".join(vocabulary[token] for token in piece) for piece in held.values["text"][held.rows].tolist()]


def test_a_text_is_divided_in_its_order_into_pieces_behind_each_other() -> None:
    built = build(LETTERS, {"text": [ALPHABET * 2 + ALPHABET[:3]]}, "data.window.length=4")  # 33, 11 and 11 characters

    assert pieces(built, "train") == ["abcd", "efgh", "ijkl", "mnop", "qrst", "uvwx", "yzab", "cdef"]
    assert built.data.valid is not None
    assert [len(built.data.train), len(built.data.valid)] == [8, 2], "a shorter last piece is left out"
    assert set(built.data.facts["text"]["vocabulary"]) >= set(ALPHABET)


def test_the_vocabulary_is_that_of_the_training_part() -> None:
    built = build(LETTERS, {"text": ["ab" * 15 + "c" * 20]})

    assert built.data.facts["text"]["vocabulary"][4:] == ["a", "b"]
    assert pieces(built, "test") == ["<unknown>" * 5] * 2


def test_pieces_may_overlap() -> None:
    built = build(LETTERS, {"text": [ALPHABET]}, "data.window.stride=2", "train.carry_state=false")

    assert pieces(built, "train") == ["abcde", "cdefg", "efghi", "ghijk", "ijklm", "klmno"]


def test_texts_stand_one_behind_the_other() -> None:
    built = build(LETTERS, {"text": ["abcd", "efg", "hijklmn", ALPHABET[14:]]})

    assert pieces(built, "train") == ["abcde", "fghij", "klmno"]


def test_the_end_of_a_text_may_be_part_of_the_stream() -> None:
    built = build(LETTERS, {"text": ["abcd", "efg", "hijkl", ALPHABET[12:]]}, "data.fields.text.end=true")

    assert pieces(built, "train") == ["abcd<end>", "efg<end>h", "ijkl<end>", "mnop<end>"], "what is cut in two ends twice"


def test_a_column_may_say_where_a_text_belongs() -> None:
    columns = {"text": ["abcdef", "vwxyz", "ghijk", "ponml"], "part": ["train", "test", "train", "valid"]}
    built = build(LETTERS, columns, "data.split={by: part}")

    assert {part: pieces(built, part) for part in ("train", "valid", "test")} == {
        "train": ["abcde", "fghij"],
        "valid": ["<unknown>" * 5],
        "test": ["<unknown>" * 5],
    }


def test_a_text_costs_a_number_for_each_token() -> None:
    built = build(LETTERS, {"text": [ALPHABET * 100]}, "data.window={length: 500, stride: 1}", "train.carry_state=false")

    assert len(built.data.train) == 1560 - 499
    assert built.data.train.values["text"].untyped_storage().nbytes() == 8 * 2600
    assert built.data.train.lengths["text"].untyped_storage().nbytes() == 8


@given(st.lists(st.text("ab \n", min_size=1).filter(str.strip), min_size=1, max_size=4), st.floats(0.1, 0.5), st.floats(0.1, 0.4))
def test_no_cut_tears_or_loses_a_word(texts: list[str], valid: float, test: float) -> None:
    parts = divided(Split(valid=valid, test=test), "text", {"all": {"text": [f"{text} " for text in texts]}})

    assert list(parts) == ["train", "valid", "test"]
    assert [word for part in parts.values() for text in part["text"] for word in text.split()] == " ".join(texts).split()


def test_a_text_without_spaces_is_cut_where_its_share_ends() -> None:
    parts = divided(Split(valid=0.25, test=0.25), "text", {"all": {"text": ["a" * 1000]}})

    assert [len(part["text"][0]) for part in parts.values()] == [500, 250, 250]


def test_given_parts_stay_as_they_are() -> None:
    given = {"train": {"text": ["abcdefghij"]}, "test": {"text": ["xyz"]}}
    parts = divided(Split(valid=0.3), "text", given)

    assert {part: columns["text"] for part, columns in parts.items()} == {"train": ["abcdefg"], "valid": ["hij"], "test": ["xyz"]}


def test_a_carried_state_continues_the_text() -> None:
    built = build(LETTERS, {"text": [ALPHABET * 4]})
    network, part = built.network, built.data.train
    assert network.memory is not None

    carried = torch.cat([network(part.batch(rows), ("memory",))["memory"][:, 0].detach() for rows in part.streams(1)])
    network.memory.forget()
    whole = build(LETTERS, {"text": [ALPHABET * 4]}, "data.window.length=60")
    whole.network.load_state_dict(network.state_dict())

    torch.testing.assert_close(carried, whole.network(whole.data.train.batch(torch.tensor([0])), ("memory",))["memory"][:, 0])


def test_a_language_model_learns_the_alphabet() -> None:
    outcome, _ = train(build(LETTERS, {"text": [ALPHABET * 40]}))

    assert outcome.figures["test/accuracy"] > 0.95


def test_a_text_is_answered_piece_by_piece() -> None:
    built = build(LETTERS, {"text": [ALPHABET * 2]})

    answers = Predictor(built.network, built.plan, built.data.facts).predict({"text": ["abcdefghij", "klm"]})

    assert [len(answer) for answer in answers["text"]] == [5] * 9


def test_made_up_texts_are_long_enough_for_their_pieces() -> None:
    assert smoke(check(LETTERS.replace("length: 5", "length: 64"))) is None


def test_the_resolved_spec_says_how_far_pieces_lie_apart() -> None:
    plan = check(LETTERS).plan
    assert plan is not None
    text = resolved_text(plan)

    assert "window: {length: 5, stride: 5}\n" in text
    assert check(text).report.ids == []


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"text": ["abcdefg"]}, "no piece of 5 tokens fits the training part"),
        ({"text": ["abc"]}, "a piece of 5 tokens does not fit texts of 3"),
        ({"text": [ALPHABET, None]}, "`text` in row 2 has no value"),
        ({"text": [ALPHABET, 7]}, "`text` in row 2 holds `7`, which is no text"),
    ],
)
def test_what_cannot_be_cut_into_pieces_is_refused(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError) as caught:
        build(LETTERS, columns)

    assert caught.value.message == said


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (
            "  window: {length: 5}",
            "    label: {type: category}\n  window: {length: 5}",
            "conflicting-keys: `window` makes one stream of `text`, in which `label` has no place",
        ),
        (
            "{length: 5}",
            "{length: 5, horizon: 2}",
            "conflicting-keys: `horizon` says how far ahead of a series is predicted, and a text is predicted token by token",
        ),
        ("target: text}", "target: text.next}", "unknown-port: the field `text` has no `next`"),
        (
            "{length: 5}",
            "{length: 5, stride: 3}",
            "conflicting-keys: `carry_state` continues each window where the one before ended, but windows of 5 ticks overlap",
        ),
    ],
)
def test_what_a_stream_of_tokens_has_not_is_refused(old: str, new: str, wanted: str) -> None:
    assert headlines(LETTERS.replace(old, new)) == [wanted]


def test_a_window_over_nothing_is_refused() -> None:
    text = LETTERS.replace("{type: text, tokens: characters}", "{type: category, along: text}").replace("carry_state: true", "seed: 1")

    assert "conflicting-keys: `window` cuts a series or a text into examples, but no field is of type `series` or `text`" in headlines(text)


def test_texts_of_different_length_are_joined_without_their_padding() -> None:
    built = build(LETTERS, {"text": ["abc", "defghij", "k", "lmnopqrstuvwxyz"]}, "data.window.stride=1", "train.carry_state=false")
    held = built.data.train.values["text"].numpy()

    assert np.array_equal(held[:12, 0], np.arange(4, 16)), "a, b, c and so on, without the zeros of padding"
