"""Weights that are shared mean the same symbols by the same numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnrun.runner.compiler.check import check
from tests.compiler.support import headlines, reviews, spec, underlined

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


def started(node: str, edge: str = "text -> embed -> end -> scores", **more: str) -> str:
    """A judge of reviews whose embedding starts from a file."""
    return reviews({"embed": node, "end": "{type: last}", **more}, [edge])


def test_rows_with_numbers_want_a_tokenizer() -> None:
    text = started("{type: embedding, units: 4, init: {file: a.safetensors}}")

    assert headlines(text) == ["missing-key: the rows of `a.safetensors` have numbers, and nothing says of which tokens"]
    assert headlines(text.replace("a.safetensors", "a.safetensors, tokenizer: t.json")) == []
    assert headlines(text.replace("text: {type: text}", "text: {type: text, tokens: t.json}")) == []


@pytest.mark.parametrize("option", ["weights: 'run:" + "0" * 32 + "'", "share: other"])
def test_vectors_of_a_file_stand_beside_no_other_weights(option: str) -> None:
    more = {"other": "{type: embedding, units: 4}", "both": "{type: add}"}
    node = f"{{type: embedding, units: 4, init: {{file: a.txt}}, {option}}}"
    text = started(node, "text -> other, embed -> both -> end -> scores", **more)

    name = option.partition(":")[0]
    assert headlines(text) == [f"conflicting-keys: `embed` starts from vectors of a file, and `{name}` brings it others"]


def test_files_of_vectors_are_looked_for_where_the_spec_lies(tmp_path: Path) -> None:
    text = started("{type: embedding, units: 4, init: {file: 'package:no-such-package/a.npz'}}")
    (found,) = check(text, folder=tmp_path).report

    assert (found.id, found.severity, found.help) == ("missing-file", "warning", "pip install no-such-package")
    assert headlines(text) == []
