"""The short form of `mutations.py`, and what the heavy specs are told."""

from __future__ import annotations

import pytest

from nnrun.runner.compiler.check import Checked, check
from nnrun.runner.show.drawing import graph_text
from tests.faults.heavy import heavy
from tests.faults.mutations import hold

HEAVY = dict(heavy())


def checked(what: str) -> Checked:
    return check(HEAVY[what])


def test_mutated_specs_are_answered_with_findings() -> None:
    *wrong, slowest, last = hold(400, seed=1, workers=2)

    assert wrong == [], slowest
    assert last == "400 of 400 held"


@pytest.mark.parametrize(
    ("what", "word"),
    [
        ("stages", "a spec has at most 10000 nodes, counted once for each stage: `train` has 1000 stages, and the graph 2002 nodes"),
        ("a random mask", "a mask chooses among at most 2097152 pairs of units, and `v` has 20000"),
        ("values of a sweep", "of a graph this large the first 5 of the values are tried out by a check, and there are more"),
        ("blocks in blocks", "a spec has at most 10000 nodes, blocks expanded"),
    ],
)
def test_what_would_take_long_is_bounded_with_a_word(what: str, word: str) -> None:
    assert [finding.headline for finding in checked(what).report if finding.id == "too-large"] == [word]


def test_a_tangle_is_not_drawn_but_told_of() -> None:
    assert "201 nodes, 19,901 edges" in " ".join(graph_text(checked("groups that are all joined")).split())
