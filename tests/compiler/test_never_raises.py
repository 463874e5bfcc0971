"""Specs that ended a check, or what shows it, in a traceback: each is answered with findings now. More are found by `tests/faults`."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.text.diagnostic import MOST
from nnrun.runner.show.drawing import graph_text
from nnrun.runner.show.loops import plan_text
from tests.compiler.support import headlines, reviews, spec

STAGES = "[{nodes: NODES, loss: {type: cross_entropy, input: scores, target: digit}}]"


@pytest.mark.parametrize(("nodes", "given"), [("[3]", "3"), ("[flat, 3]", "3"), ("[[scores]]", "a list of 1"), ("[{a: b}]", "a mapping")])
def test_an_entry_that_is_no_name_is_one_finding(nodes: str, given: str) -> None:
    found = headlines(spec(train=STAGES.replace("NODES", nodes)))

    assert found == [f"wrong-type: `nodes` takes a text, got {given}"]


def test_more_duplicate_keys_than_a_report_holds_end_in_a_word() -> None:
    found = headlines("a: 1\n" * (2 * MOST))

    assert len(found) == MOST + 1
    assert found[-1] == f"too-large: there are more than {MOST} findings; the others are left out"


def test_a_baseline_beside_a_training_that_is_no_mapping_is_passed_over() -> None:
    found = headlines(spec(train="soon", more="track: {baseline: linear}"))

    assert [finding.partition(":")[0] for finding in found] == ["wrong-type"]


@pytest.mark.parametrize(
    ("source", "column", "given", "type"),
    [
        ("random_patterns", "pattern", "vector", "image"),
        ("digits", "image", "image", "vector"),
        ("diabetes", "features", "vector", "video"),
    ],
)
def test_a_column_that_is_read_as_another_type_is_refused(source: str, column: str, given: str, type: str) -> None:
    data = f"{{source: {source}, fields: {{{column}: {{type: {type}}}}}}}"
    nodes = {"scores": "", "flat": "{type: flatten}"}
    found = check(spec(nodes, [f"{column} -> flat"], data=data, train=f"{{loss: {{type: mse, input: flat, target: {column}}}}}")).report

    assert [finding.headline for finding in found] == [
        f"the column `{column}` of `{source}` is of type `{given}`, and `{column}` reads it as `{type}`"
    ]
    assert found[0].help == f"write `{column}: {{type: {given}}}`"


def test_a_cell_as_large_as_a_vocabulary_has_a_plan() -> None:
    nodes = {"embed": "{type: embedding, units: 8}", "memory": "{type: lstm, units: text}", "last": "{type: last}"}
    checked = check(reviews(nodes, ["text -> embed -> memory -> last -> scores"]))

    assert checked.plan is not None, headlines(checked.document.text.text)
    assert "cell of memory\n  runs as  " in plan_text(checked.plan)


def test_a_node_that_holds_nodes_is_drawn_by_its_option_alone() -> None:
    towers = "{type: inception, towers: [[{type: conv, filters: 4}], [{type: pool}]]}"
    drawn = graph_text(check(spec({"mixed": towers}, ["image -> mixed -> flat -> scores"])), 120, "utf-8")

    assert "inception, towers" in drawn


def test_a_node_that_could_help_but_needs_a_port_is_no_advice() -> None:
    found = headlines(spec({"long": "{type: repeat}", "look": "{type: embedding, units: 2}"}, ["image -> flat -> look, scores"]))

    assert any(finding.startswith("shape-mismatch: `look` takes") for finding in found)


@pytest.mark.parametrize("path", ['"a\\0b.csv"', "~nosuchuser/a.csv", "loop/a.csv"])
def test_a_path_that_can_lead_nowhere_is_a_file_that_is_not_there(path: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    data = f"{{source: csv, file: {path}, fields: {{image: {{type: image}}, digit: {{type: category}}}}}}"

    assert "missing-file" in check(spec(data=data), folder=tmp_path).report.ids
