"""Laws of the metrics that judge ticks in their order, with a plain reading of tags as the judge."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest
import torch
from torch import Tensor

from nnrun.registry.catalog import all_of
from nnrun.registry.field import DataError
from nnrun.registry.metrics.entities import EntityF1
from nnrun.registry.objective import TickMetric
from nnrun.registry.shape import InputError, Shape

Rows = Sequence[Sequence[str]]
BIO = ["B-place", "B-name", "I-place", "I-name", "O"]
SCHEMES = [BIO, ["I-place", "I-name", "O"], ["place", "name", "O"], ["B-place", "I-place", "I-name"]]
METRIC = EntityF1(type="entity_f1")


def marked(row: Sequence[str]) -> set[tuple[int, int, str]]:
    """First tick, last tick and kind of the spans of one row, read from left to right."""
    found: set[tuple[int, int, str]] = set()
    start, kind = 0, ""
    for tick, tag in enumerate([*row, "O"]):
        now = "" if tag == "O" else tag.removeprefix("B-").removeprefix("I-")
        if kind and (now != kind or tag.startswith("B-")):
            found.add((start, tick - 1, kind))
            kind = ""
        if now and not kind:
            start, kind = tick, now
    return found


def judged(truth: Rows, guess: Rows) -> float:
    pairs = [(marked(true), marked(said)) for true, said in zip(truth, guess, strict=True)]
    hits, both = sum(len(true & said) for true, said in pairs), sum(len(true) + len(said) for true, said in pairs)
    return 2 * hits / both if both else 0.0


def drawn(classes: Sequence[str], rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Rows of tags in any order, also such as the scheme does not allow, and guesses that are right at most ticks."""
    truth = [rng.choice(classes, rng.integers(1, 10)).tolist() for _ in range(rng.integers(1, 7))]
    guess = [[tag if rng.random() < 0.7 else str(rng.choice(classes)) for tag in row] for row in truth]
    return truth, guess


def taken(classes: Sequence[str], truth: Rows, guess: Rows) -> tuple[Tensor, Tensor]:
    """What the meter takes of rows."""
    said, true = (torch.tensor([classes.index(tag) for tag in chain(*rows)]) for rows in (guess, truth))
    first = torch.tensor([tick == 0 for row in truth for tick in range(len(row))])
    scores = torch.nn.functional.one_hot(said, len(classes)).float()
    return METRIC.prepare(scores, true, {"classes": classes}, first)


def figure(classes: Sequence[str], *batches: tuple[Rows, Rows]) -> float:
    meter = METRIC.build(Shape((len(classes),)), Shape(kind="category", classes=len(classes)))
    for truth, guess in batches:
        meter.update(*taken(classes, truth, guess))
    return float(meter.compute())


def test_every_metric_of_ticks_is_judged_here() -> None:
    assert [name for name, cls in all_of("metric").items() if issubclass(cls, TickMetric)] == ["entity_f1"]


@pytest.mark.parametrize("classes", SCHEMES, ids=" ".join)
@pytest.mark.parametrize("seed", range(40))
def test_entity_f1_is_what_a_plain_reading_says(classes: list[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    batches = [drawn(classes, rng) for _ in range(3)]
    truth, guess = ([row for batch in batches for row in batch[place]] for place in (0, 1))

    assert figure(classes, *batches) == pytest.approx(judged(truth, guess), abs=1e-12)


def test_what_another_process_counted_is_counted_too() -> None:
    rng = np.random.default_rng(1)
    one, other = drawn(BIO, rng), drawn(BIO, rng)
    meters = [METRIC.build(Shape((5,)), Shape(kind="category", classes=5)) for _ in range(2)]
    for meter, batch in zip(meters, (one, other), strict=True):
        meter.update(*taken(BIO, *batch))

    meters[0].join(meters[1].state())

    assert float(meters[0].compute()) == figure(BIO, one, other)


@pytest.mark.parametrize(
    ("truth", "guess", "expected"),
    [
        (["B-name", "I-name", "O"], ["B-name", "I-name", "O"], 1.0),
        (["B-name", "I-name", "O"], ["B-name", "O", "O"], 0.0),
        (["B-name", "I-name", "O"], ["I-name", "I-name", "O"], 1.0),
        (["B-name", "I-name", "O"], ["B-name", "B-name", "O"], 0.0),
        (["B-name", "I-name", "B-place"], ["B-name", "I-place", "B-place"], 2 / 5),
        (["O", "O"], ["O", "O"], 0.0),
    ],
)
def test_entity_f1_by_hand(truth: list[str], guess: list[str], expected: float) -> None:
    assert figure(BIO, ([truth], [guess])) == pytest.approx(expected)


def test_a_span_ends_with_its_example() -> None:
    together, apart = [["B-name", "I-name"]], [["B-name"], ["I-name"]]

    assert figure(BIO, (together, [["B-name", "O"]])) == 0.0
    assert figure(BIO, (apart, [["B-name"], ["O"]])) == pytest.approx(2 / 3)


def test_tags_with_a_prefix_beside_others_without_are_refused() -> None:
    with pytest.raises(DataError, match="the tag `name` has no prefix, where others begin with `B-` or `I-`") as error:
        figure(["B-place", "name", "O"], ([["name"]], [["O"]]))

    assert error.value.help == "give all tags but `O` a prefix, or none of them"


def test_numbers_are_no_tags() -> None:
    with pytest.raises(InputError, match="takes a category as its target, a tag at each tick"):
        METRIC.check(Shape((3,)), Shape((3,)))
