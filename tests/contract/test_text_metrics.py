"""Laws of the metrics of written texts, with sacrebleu and Levenshtein's recursion as the judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pytest
import sacrebleu

from nnrun.registry.catalog import all_of, find
from nnrun.registry.objective import Metric, SequenceMetric
from nnrun.registry.shape import InputError, Shape
from tests.compiler.support import headlines, reviews

WORD, SCORES, CLASS = Shape(kind="token", classes=9), Shape((9,)), Shape(kind="category", classes=9)

TRUE = (
    "mille neuf cent quatre-vingt-dix-neuf",
    "a seven at the top left, a two at the top right and a one at the bottom left",
    "The cat (a tabby) sat on the mat.",
    "It costs 1,000.50 euros, doesn't it?",
    "vingt et un",
    "ÄÖÜ is not aou",
)
WRITTEN = (
    "mille neuf cent quatre-vingt-dix-neuf",
    "a seven at the top left, a two at the bottom right and a one at the bottom left",
    "The cat (a tabby sat on mat.",
    "It costs 1,000.50 euros, does it not?",
    "",
    "ÄOÜ is not aou aou",
)
"""One is right, one is empty, and the others have words or signs too many, too few, and wrong."""


@dataclass(frozen=True)
class Row:
    """A metric, and what it should be of the two lists of texts."""

    config: Mapping[str, Any]
    expected: Callable[[Sequence[str], Sequence[str]], float]
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(self.config)


def bleu(tokenize: str) -> Callable[[Sequence[str], Sequence[str]], float]:
    return lambda written, true: float(sacrebleu.corpus_bleu(written, [true], smooth_method="none", tokenize=tokenize).score)


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Levenshtein's, by its definition."""

    @cache
    def of(i: int, j: int) -> int:
        if min(i, j) == 0:
            return max(i, j)
        return min(of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (one[i - 1] != other[j - 1]))

    return of(len(one), len(other))


def error_rate(parted: Callable[[str], Sequence[str]]) -> Callable[[Sequence[str], Sequence[str]], float]:
    def expected(written: Sequence[str], true: Sequence[str]) -> float:
        pairs = [(parted(one), parted(other)) for one, other in zip(written, true, strict=True)]
        return sum(distance(*pair) for pair in pairs) / sum(len(other) for _, other in pairs)

    return expected


ROWS = [
    Row({"type": "exact_match"}, lambda written, true: float(np.mean([one == other for one, other in zip(written, true, strict=True)]))),
    Row({"type": "bleu"}, bleu("13a"), {"tokenize": "none"}),
    Row({"type": "bleu", "tokenize": "none"}, bleu("none"), {"tokenize": "char"}),
    Row({"type": "bleu", "tokenize": "char"}, bleu("char")),
    Row({"type": "character_error_rate"}, error_rate(list)),
    Row({"type": "word_error_rate"}, error_rate(str.split)),
]
each_row = pytest.mark.parametrize("row", ROWS, ids=str)
JUDGES = {name: cls for name, cls in all_of("metric").items() if issubclass(cls, SequenceMetric)}


def make(config: Mapping[str, Any]) -> SequenceMetric:
    cls = find("metric", config["type"])
    assert cls is not None
    made = cls.model_validate(dict(config))
    assert isinstance(made, SequenceMetric)
    return made


def figure(config: Mapping[str, Any], written: Sequence[str], true: Sequence[str], batch: int = len(TRUE)) -> float:
    meter = make(config).build(WORD, WORD)
    for start in range(0, len(true), batch):
        meter.update(list(written[start : start + batch]), list(true[start : start + batch]))
    result = meter.compute()
    assert result.shape == ()
    return float(result)


def test_every_metric_of_texts_has_a_row() -> None:
    assert {row.config["type"] for row in ROWS} == JUDGES.keys()


@each_row
@pytest.mark.parametrize("batch", [len(TRUE), 4, 1])
def test_metric_is_what_the_judge_says(row: Row, batch: int) -> None:
    assert figure(row.config, WRITTEN, TRUE, batch) == pytest.approx(row.expected(WRITTEN, TRUE), rel=1e-9)


@each_row
def test_right_texts_give_the_best_figure(row: Row) -> None:
    best = figure(row.config, TRUE, TRUE)

    assert best == pytest.approx({"bleu": 100, "exact_match": 1}.get(row.config["type"], 0))
    assert (best > figure(row.config, WRITTEN, TRUE)) == make(row.config).higher_is_better


@each_row
def test_meter_starts_anew_after_reset(row: Row) -> None:
    meter = make(row.config).build(WORD, WORD)
    meter.update(["something else"], ["something"])
    meter.reset()
    meter.update(list(WRITTEN), list(TRUE))

    assert float(meter.compute()) == figure(row.config, WRITTEN, TRUE)


@pytest.mark.parametrize(
    ("type", "option"),
    [(name, option) for name, cls in JUDGES.items() for option in cls.model_fields.keys() - {"type", *Metric.model_fields}],
)
def test_every_option_of_a_metric_changes_it(type: str, option: str) -> None:
    row = next(row for row in ROWS if row.config["type"] == type and option in row.changes)

    assert figure({**row.config, option: row.changes[option]}, WRITTEN, TRUE) != pytest.approx(figure(row.config, WRITTEN, TRUE), rel=1e-3)


def test_kitten_is_three_characters_from_sitting() -> None:
    # Two replaced (k, e) and one inserted (g), of seven.
    assert figure({"type": "character_error_rate"}, ["kitten"], ["sitting"]) == pytest.approx(3 / 7)


def test_too_much_text_is_an_error_rate_above_one() -> None:
    assert figure({"type": "word_error_rate"}, ["one two three"], ["one"]) == 2.0


@each_row
def test_metric_judges_tokens_by_tokens(row: Row) -> None:
    metric = make(row.config)
    metric.check(WORD, WORD)

    with pytest.raises(InputError) as error:
        metric.check(SCORES, WORD)
    assert (error.value.message, error.value.help) == ("takes tokens that were chosen", "name the node that makes symbols of the scores")
    with pytest.raises(InputError) as error:
        metric.check(WORD, CLASS)
    assert (error.value.message, error.value.position) == ("takes a text as its target", 1)


def test_a_network_without_a_choice_writes_nothing_to_judge() -> None:
    text = reviews({"x": "{type: embedding, units: 4}", "final": "{type: last}"}, ["text -> x -> final -> scores"], "metrics: [bleu]")

    assert headlines(text) == ["missing-key: `bleu` judges what a network writes, and this one has no `choice`"]
