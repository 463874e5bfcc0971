"""Types of loops, and what is said of loops that cannot be."""

from __future__ import annotations

import pytest

from nnrun.runner.compiler.check import check
from tests.compiler.support import headlines, reviews

CELL = {"x": "{type: embedding, units: 8}", "final": "{type: last}"}


def shapes(nodes: dict[str, str], edges: list[str]) -> dict[str, str]:
    plan = check(reviews(CELL | nodes, ["text -> x", "h -> final -> scores", *edges])).plan
    assert plan is not None
    return {op.name: str(op.shape.tick) for op in plan.ops}


def test_a_value_that_only_follows_from_itself_takes_the_size_of_what_enters() -> None:
    found = shapes({"h": "{type: formula, is: x + 0.5 * prev(d)}", "d": "{type: dropout}"}, ["h -> d"])

    assert (found["h"], found["d"]) == ("(N=8)", "(N=8)")


def test_a_start_value_tells_a_shape() -> None:
    nodes = {"h": "{type: concat}", "n": "{type: linear, units: 4}", "first": "{type: pool_time}"}
    nodes |= {"start": "{type: linear, units: 4}"}

    assert shapes(nodes, ['"x, prev(n) -> h"', "h -> n", "x -> first -> start -> n.initial"])["h"] == "(N=12)"


@pytest.mark.parametrize(
    ("nodes", "edges", "wanted"),
    [
        ({"h": "{type: concat}"}, ['"x, prev(h) -> h"'], "the shape of `h` follows from `prev(h)`"),
        ({"h": "{type: linear, units: 8}", "a": "{type: attention, causal: true}"},
         ['"x, prev(a) -> h"', "h -> a.query", "h -> a.memory"], "`causal` takes a whole sequence, but `a` stands in a loop"),
        ({"h": "{type: linear, units: 8}", "a": "{type: attention, causal: true}"},
         ['"x, prev(a) -> h"', "h -> a.query", "x -> a.memory"], "`causal` takes a whole sequence, but `a` stands in a loop"),
        ({"h": "{type: linear, units: 4}", "s": "{type: linear, units: 5}", "p": "{type: pool_time}"},
         ['"x, prev(h) -> h"', "x -> p -> s -> h.initial"], "`h.initial` takes (N=4), without ticks, but `s` gives (N=5)"),
        ({"h": "{type: linear, units: 4}"}, ['"x, prev(h) -> h"', "x -> h.initial"], "but `x` gives (N=8) at each tick of `text`"),
        ({"h": "{type: linear, units: 4}", "s": "{type: last}"}, ["x -> h", "x -> s -> h.initial"], "nothing reads an earlier tick of `h`"),
        ({"h": "{type: formula, is: 0.5 * prev(h) + v + w}", "v": "{type: linear, units: 3}", "w": "{type: linear, units: 4}"},
         ["x -> v, w"], "`h` takes (N=3), as the inputs before, or a single number, but `w` gives (N=4)"),
        ({"h": "{type: add}", "v": "{type: linear, units: 3}"}, ["x -> v", '"prev(h), x, v -> h"'], "but `v` gives (N=3)"),
        ({"h": "{type: formula, is: prev(h) + text}"}, [], "`h` takes numbers, but `text` gives"),
        ({"h": "{type: linear, units: 4}", "p": "{type: pool_time}", "s": "{type: reshape, to: [2, 4]}"},
         ['"x, prev(h) -> h"', "x -> p -> s -> h.initial"], "`h.initial` takes (N=4), without ticks, but `s` gives (C=2, N=4)"),
        ({"h": "{type: formula, is: 'x + prev(h, 10001)'}"}, [], "a delay is a whole number of ticks from 1 to 10000, got 10001"),
        ({"h": "{type: linear, units: 4}"}, ['"prev(h, 99999999999), x -> h"'], "from 1 to 10000, got 99999999999"),
        ({"h": "{type: linear, units: 4}"}, ['"prev(h, 1.5), x -> h"'], "`prev` takes a name and, if it is not 1, a delay in whole ticks"),
        ({"h": "{type: gru, units: 4}", "d": "{type: dropout}"}, ['"prev(h) -> d"', "x, d -> h"], "`h` takes one input, got 2"),
    ],
)  # fmt: skip
def test_a_loop_that_cannot_be_is_refused(nodes: dict[str, str], edges: list[str], wanted: str) -> None:
    found = headlines(reviews(CELL | nodes, ["text -> x", "h -> final -> scores", *edges]))

    assert any(wanted in headline for headline in found), found


def test_a_start_value_is_given_once() -> None:
    nodes = CELL | {"h": "{type: linear, units: 8}", "s": "{type: last}"}
    edges = ["text -> x", "x -> h", '{edge: "prev(h) -> h", initial: learned}', "x -> s -> h.initial", "h -> final -> scores"]

    assert headlines(reviews(nodes, edges)) == ["conflicting-keys: the value of `h` before the first tick is given twice"]


def test_a_loop_without_ticks_has_no_tick_before() -> None:
    nodes = {"one": "{type: pool_time}", "x": "{type: embedding, units: 8}", "h": "{type: linear, units: 8}"}
    found = headlines(reviews(nodes, ["text -> x -> one", '"one, prev(h) -> h"', "h -> scores"]))

    assert found == ["no-time-axis: nothing with ticks enters the loop of `h`, so there is no tick before this one"]
