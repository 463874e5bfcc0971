"""Weights that are shared mean the same symbols by the same numbers."""

from __future__ import annotations

import pytest

from nnrun.runner.compiler.check import check
from tests.compiler.support import headlines, spec, underlined

FIELDS = "a: {type: category, classes: [x, y, z]}, b: {type: category, classes: OTHER}, y: {type: number}"
DIFFER = "classes differ: `z`, `x`, `y` of `b`, and `x`, `y`, `z` of `a`"


def shared(nodes: dict[str, str], edges: list[str], other: str = "[z, x, y]") -> str:
    """Two category fields whose nodes share weights."""
    data = f"{{source: {{source: csv, file: a.csv}}, fields: {{{FIELDS.replace('OTHER', other)}}}}}"
    train = "{loss: {type: mse, input: out, target: y}}"
    return spec({"flat": "", "scores": "", "out": "{type: linear, units: 1}", **nodes}, edges, data=data, train=train)


EMBEDDED = (
    {"one": "{type: embedding, units: 4}", "two": "{type: embedding, units: 4, share: one}"},
    ["a -> one", "b -> two", "one, two -> out"],
)
WRITTEN = (
    {"p": "{type: one_hot}", "q": "{type: one_hot}", "one": "{type: linear, units: 4}", "two": "{type: linear, units: 4, share: one}"},
    ["a -> p -> one", "b -> q -> two", "one, two -> out"],
)
HEADS = (
    {"p": "{type: embedding, units: 4}", "one": "{type: linear, units: a}", "two": "{type: linear, units: b, share: one}"},
    ["a -> p -> one, two -> out"],
)


@pytest.mark.parametrize(("nodes", "edges"), [EMBEDDED, WRITTEN, HEADS], ids=["embedding", "one_hot", "scores"])
def test_weights_are_not_shared_over_classes_in_another_order(nodes: dict[str, str], edges: list[str]) -> None:
    text = shared(nodes, edges)

    assert headlines(text) == [f"shape-mismatch: `two` shares the weights of `one`, but {DIFFER}"]
    assert underlined(text) == ["one"]
    assert headlines(shared(nodes, edges, "[x, y, z]")) == []  # as the help says


def test_other_classes_are_not_shared_either() -> None:
    (found,) = check(shared(*EMBEDDED, "[red, green, blue]")).report

    assert found.headline.endswith("`red`, `green`, `blue` of `b`, and `x`, `y`, `z` of `a`")
    assert found.help == "leave out `share`"


def test_classes_that_the_data_tells_are_compared_as_well() -> None:
    facts = {"a": {"classes": ["x", "y", "z"]}, "b": {"classes": ["x", "z", "y"]}, "y": {"shift": 0.0, "scale": 1.0}}

    assert check(shared(*EMBEDDED, "[x, y, z]"), facts=facts).report.ids == ["shape-mismatch"]


def test_one_field_may_be_read_twice_by_the_same_weights() -> None:
    nodes, edges = EMBEDDED

    assert headlines(shared(nodes, [edge.replace("b ->", "a ->") for edge in edges])) == []
