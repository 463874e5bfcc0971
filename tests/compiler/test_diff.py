"""What differs between two specs: each kind of change is said as what it is, and what means nothing is not said."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.diff.difference import Difference
from nnrun.runner.compiler.diff.difference import diff as compare
from nnrun.runner.compiler.resolved import resolved_text
from nnrun.runner.compiler.text.source import dump
from nnrun.runner.show.difference import as_dict, difference_text
from tests.compiler.support import spec
from tests.compiler.test_canonical import ALL_WITH_ALL, BY_HAND, PRISM, SENTIMENT, groups, names_in, plan_of, renamed, shuffled, value_of
from tests.engine.loops.graphs import Case, cases
from tests.served.models import KINDS
from tests.test_gallery import SPECS

GALLERY = {path.stem: path.read_text() for path in SPECS}
WRITER = KINDS["writer"].spec


def difference(before: str, after: str, *changes: str) -> Difference:
    return compare(plan_of(before), plan_of(after, *changes))


def said(before: str, after: str, *changes: str) -> list[str]:
    """The lines that are told, without their groups."""
    lines = difference_text(difference(before, after, *changes)).splitlines()
    return [line.strip() for line in lines if line.startswith("  ")] or lines


def test_a_spec_does_not_differ_from_itself() -> None:
    assert said(SENTIMENT, SENTIMENT) == ["no difference"]


@pytest.mark.parametrize("name", GALLERY)
def test_a_spec_in_another_order_with_its_defaults_written_out_is_the_same(name: str) -> None:
    written = resolved_text(plan_of(GALLERY[name]))

    assert difference_text(difference(GALLERY[name], written)) == "no difference\n"
    assert difference_text(difference(written, GALLERY[name])) == "no difference\n"


NODES = {
    "sentiment": {"embed": "a", "memory": "b", "final": "c", "drop": "d", "sentiment": "e"},
    "by hand": {"embed": "a", "i": "o", "f": "g", "o": "f", "g": "i", "c": "h", "h": "c", "final": "x", "drop": "y", "sentiment": "z"},
}


@pytest.mark.parametrize(("text", "names"), [(SENTIMENT, NODES["sentiment"]), (BY_HAND, NODES["by hand"])], ids=list(NODES))
def test_a_spec_with_all_nodes_renamed_differs_in_names_only(text: str, names: dict[str, str]) -> None:
    value = value_of(text)
    value["nodes"] = {
        names[name]: node | ({"is": renamed(node["is"], names)} if "is" in node else {}) for name, node in value["nodes"].items()
    }
    value["edges"] = [renamed(edge, names) for edge in value["edges"]]
    value["train"]["loss"]["input"] = names["sentiment"]
    found = difference(text, dump(value))

    lines = difference_text(found).splitlines()

    assert found.renamed == names
    assert lines[:3] == ["no difference but names", "", "names"]
    assert sorted(lines[3:]) == sorted(f"  = {name} is now {meant}" for name, meant in names.items())


@settings(max_examples=60)
@given(case=cases(), seed=st.integers(0, 2**31))
def test_a_random_graph_under_other_names_and_in_another_order_differs_in_names_only(case: Case, seed: int) -> None:
    names = names_in(case)
    others = random.Random(seed).sample([*names, *(f"it{number}" for number in range(9))], len(names))
    found = difference(case.text, shuffled(renamed(case.text, dict(zip(names, others, strict=True))), seed))

    assert found.same, difference_text(found)
    assert not found.edges


# Which node is which is a guess where a graph has near twins, and in one of some hundred random graphs the guess is wrong: always the same
# graphs are tried.
@settings(max_examples=60, derandomize=True)
@given(case=cases(), data=st.data())
def test_one_change_in_a_random_graph_under_other_names_is_said_as_one_change(case: Case, data: st.DataObject) -> None:
    value, names = value_of(case.text), names_in(case)
    changed = data.draw(st.sampled_from([name for name, node in value["nodes"].items() if node["type"] == "linear"]))
    assume(list(value["nodes"].values()).count(value["nodes"][changed]) == 1)  # of twins either may be taken for the other
    value["nodes"][changed]["activation"] = "softplus"
    called = {name: f"it{number}" for number, name in enumerate(names)}
    found = difference(case.text, shuffled(renamed(dump(value), called), data.draw(st.integers(0, 2**31))))

    assert [(change.path, change.after) for change in found.nodes] == [((called[changed], "activation"), "softplus")]
    assert (found.edges, found.orders, found.hashes[0] == found.hashes[1]) == ((), (), False)


CHANGES: list[tuple[str, list[str], list[str]]] = [
    # nodes
    (SENTIMENT, ["nodes.drop.rate=0.5"], ["~ drop: rate: 0.3 -> 0.5"]),
    (
        SENTIMENT,
        ["nodes.memory={type: gru, units: 128, reset: after}"],
        [  # 3 * 128 * (64 + 128 + 1) = 74,112 numbers
            "~ memory: lstm -> gru, with reset: after",
            "~ memory: 98,816 -> 74,112 (-24,704)",
            "~ parameters: 64*text + 99,074 -> 64*text + 74,370 (-24,704)",
        ],
    ),
    (
        SENTIMENT,
        ["nodes.more={type: activation, function: relu}", "edges=[text -> embed -> memory -> final -> drop -> more -> sentiment]"],
        ["+ more: {type: activation, function: relu}", "~ drop -> sentiment becomes more -> sentiment", "+ drop -> more"],
    ),
    (
        BY_HAND,
        ['edges=[text -> embed, {edge: "embed, prev(h) -> i, f, o, g", initial: learned}, h -> final -> drop -> sentiment]'],
        ["~ h: start value: zeros -> learned", "~ parameters: 64*text + 99,074 -> 64*text + 99,202 (+128)"],
    ),
    (BY_HAND, ["nodes.c.is=f * prev(c) - i * g"], ['~ c: is: "f * prev(c) + i * g" -> "f * prev(c) - i * g"']),
    (BY_HAND, ["nodes.c.is=prev(c) * f + g * i"], ["no difference"]),
    # edges
    (
        BY_HAND,
        ['edges=[text -> embed, "embed, prev(h) -> i, f, o", "embed, prev(h, 2) -> g", h -> final -> drop -> sentiment]'],
        ["~ prev(h) -> g becomes prev(h, 2) -> g"],
    ),
    (
        GALLERY["boltzmann_bars"],
        ["edges=[image -> visible, visible <-> hidden, {edge: visible <-> visible, mask: grid}]"],
        [  # 4 x 4 pixels have 2 * 4 * 3 neighbours, of 16 * 15 / 2 pairs
            "~ visible <-> visible becomes visible <-> visible, mask grid, reach 1",
            "~ visible <-> visible: 120 -> 24 (-96)",
            "~ parameters: 408 -> 312 (-96)",
        ],
    ),
    (GALLERY["boltzmann_bars"], ["edges=[hidden <-> visible, visible <-> visible, image -> visible]"], ["no difference"]),
    # training
    (
        SENTIMENT,
        ["train.optimizer={type: adam, lr: 0.01}", "train.batch_size=8"],
        ["~ optimizer: rmsprop -> adam, lr: 0.001 -> 0.01", "~ batch_size: 64 -> 8"],
    ),
    (SENTIMENT, ["train.schedule=cosine", "train.clip_norm=null"], ["+ schedule: {type: cosine}", "- clip_norm: 1.0"]),
    (
        SENTIMENT,
        ["train.loss={type: cross_entropy, input: sentiment, target: label, label_smoothing: 0.1}"],
        ["~ loss.label_smoothing: 0.0 -> 0.1"],
    ),
    (WRITER, ["train.epochs=10", "train.shuffle=true", "train.optimizer=adam"], ["no difference"]),
    (WRITER, ["train.shuffle=false"], ["~ shuffle: true -> false"]),
    # metrics
    (SENTIMENT, ["metrics=[accuracy, precision]"], ["- f1: {type: f1}", "+ precision: {type: precision}"]),
    (GALLERY["cnn_digits"], ["metrics=[f1, accuracy]"], ["no difference"]),
    (GALLERY["inception_digits"], ["metrics=[f1, accuracy]"], ["~ first, by which weights are kept: accuracy -> f1"]),
    # data
    (SENTIMENT, ["data.fields.text.max_length=9", "data.split.seed=4"], ["~ fields.text.max_length: 60 -> 9", "~ split.seed: 0 -> 4"]),
    (SENTIMENT, ["data.split={train: 0.8}"], ["no difference"]),
    (SENTIMENT, ["data.split={stratify: false}"], ["~ split.stratify: label -> false"]),
    (SENTIMENT, ["data.fields.label.classes=[negative, positive]"], ["no difference"]),
    (GALLERY["char_lm"], ["data.window.stride=64"], ["no difference"]),
    (GALLERY["elman_sunspots"], ["data.window.stride=2"], ["~ window.stride: 1 -> 2"]),
    # decoding
    (GALLERY["translate_numbers"], ["decode.word.width=4"], ["~ word.width: 8 -> 4"]),
    (GALLERY["translate_numbers"], ["decode.word={search: beam, length_penalty: 0.6, max_length: 20}"], ["no difference"]),
    # tracking
    (SENTIMENT, ["track.every=10", "name=other", "description=Other words."], ["~ every: 50 -> 10"]),
]


@pytest.mark.parametrize(("text", "changes", "lines"), CHANGES, ids=[", ".join(changes) for _, changes, _ in CHANGES])
def test_a_change_is_said_as_what_it_is(text: str, changes: list[str], lines: list[str]) -> None:
    assert said(text, text, *changes) == lines


def test_a_node_that_is_gone_takes_its_edges_along() -> None:
    after = SENTIMENT.replace(" -> drop -> ", " -> ").replace("  drop:      {type: dropout, rate: 0.3}\n", "")

    assert "drop" not in after
    assert said(SENTIMENT, after) == [
        "- drop: {type: dropout, rate: 0.3}",
        "~ drop -> sentiment becomes final -> sentiment",
        "- final -> drop",
    ]


def test_a_node_that_is_renamed_and_changed_is_said_as_both() -> None:
    after = SENTIMENT.replace("memory", "cell").replace("units: 128", "units: 64")

    assert said(SENTIMENT, after)[:2] == ["= memory is now cell", "~ cell: units: 128 -> 64"]


def test_a_field_that_is_renamed_and_keeps_its_column_differs_in_name_only() -> None:
    after = renamed(SENTIMENT, {"text": "review"}).replace("{type: review,", "{type: text, column: text,")

    assert said(SENTIMENT, after) == ["= text is now review"]
    assert difference(SENTIMENT, after).same


def test_another_column_is_another_field() -> None:
    text = KINDS["text"].spec

    assert said(text, renamed(text, {"said": "told"})) == ["= said is now told", "~ fields.told.column: said -> told"]


def test_a_block_under_another_name_is_said_once() -> None:
    text = GALLERY["inception_digits"]
    after = renamed(text, {"mixed1": "tower"}).replace("      b1: ", "      low: ").replace("b1 ->", "low ->")

    assert said(text, after) == ["= mixed1 is now tower", "= mixed1/b1 is now tower/low", "= mixed2/b1 is now mixed2/low"]


def test_weights_that_are_shared_count_no_longer() -> None:
    assert said(GALLERY["translate_numbers"], GALLERY["translate_numbers"], "nodes.decoder.share=encoder")[:2] == [
        "~ decoder: with share: encoder",
        "~ decoder: 18,624 -> 0 (-18,624)",  # 3 * 64 * (32 + 64 + 1) numbers
    ]


def test_inputs_in_another_order_are_said_where_it_matters() -> None:
    text = GALLERY["inception_digits"]
    first, second = "      - input -> a -> join\n", "      - input -> b1 -> b2 -> join\n"
    after = text.replace(first + second, second + first)

    assert after != text
    assert said(text, after) == [
        f"~ {use}/join: inputs: [{', '.join(f'{use}/{name}' for name in before)}] -> [{', '.join(f'{use}/{name}' for name in now)}]"
        for use in ("mixed1", "mixed2")
        for before, now in [(("a", "b2", "c2", "d"), ("b2", "a", "c2", "d"))]
    ]


def test_a_stage_stands_beside_the_one_with_the_same_learner() -> None:
    found = difference(GALLERY["rbm_digits"], GALLERY["dbn_digits"])

    assert [change.path[0] for change in found.settings["training"] if change.before is None and len(change.path) == 1] == [
        "stage 2",
        "stage 3",
    ]


@pytest.mark.parametrize(("one", "other"), list(pairwise(GALLERY)))
def test_graphs_differ_where_their_hashes_do(one: str, other: str) -> None:
    found = difference(GALLERY[one], GALLERY[other])

    assert not found.same
    assert found.hashes[0] != found.hashes[1]
    assert not found.same_graph


def test_graphs_that_share_a_hash_are_told_apart_edge_by_edge() -> None:
    found = difference(groups(PRISM), groups(ALL_WITH_ALL))

    assert found.hashes[0] == found.hashes[1]
    assert not found.same_graph
    assert found.edges


def test_every_part_of_both_graphs_is_marked_for_a_drawing() -> None:
    found = difference(GALLERY["lstm_sentiment"], GALLERY["lstm_peephole_softsign_sentiment"], "nodes.drop={type: dropout, rate: 0.3}")
    gone = difference(GALLERY["lstm_sentiment"], GALLERY["lstm_by_hand_sentiment"])
    marks = {(part.before, part.after): part.mark for part in gone.node_marks}
    edges = {(str(part.before), str(part.after)): part.mark for part in gone.edge_marks}

    assert [part.after for part in found.node_marks if part.mark == "changed"] == ["memory"]
    assert {part.mark for part in found.edge_marks} == {"same"}
    assert marks["embed", "embed"] == "same"
    assert (marks["memory", None], marks[None, "h"]) == ("gone", "added")
    assert edges["memory -> final", "h -> final"] == "changed"
    assert (edges["embed -> memory", "None"], edges["None", "embed -> i"]) == ("gone", "added")


def test_a_formula_is_said_to_its_end() -> None:
    long = " + ".join(["f * prev(c)"] * 12)

    assert said(BY_HAND, BY_HAND, f"nodes.c.is={long} + i * g") == [f'~ c: is: "f * prev(c) + i * g" -> "{long} + i * g"']


def test_a_size_that_is_known_of_one_spec_only_is_no_difference(tmp_path: Path) -> None:
    """A file whose headings are looked at, and the same spec without its folder, as a run has it."""
    text = GALLERY["diabetes_regression"].replace("source: diabetes", "source: npz\n  file: data.npz")
    text = re.sub("columns: .*?], ", "", text)
    np.savez(tmp_path / "data.npz", measurements=np.zeros((30, 4)), progression=np.zeros(30))
    looked, alone = (check(text, folder=folder).plan for folder in (tmp_path, None))
    assert looked is not None
    assert alone is not None

    assert looked.size != alone.size
    assert difference_text(compare(alone, looked)) == difference_text(compare(looked, alone)) == "no difference\n"


def test_what_is_gone_keeps_apart_from_what_has_its_name_now() -> None:
    """What was called `a` is called `b`, and what is called `a` is new."""
    layer = "{type: linear, units: 9, activation: relu}"
    before = spec({"a": layer, "c": "{type: batch_norm}"}, ["image -> flat -> a -> c -> scores"])
    after = spec({"b": layer, "c": "{type: batch_norm}", "a": "{type: linear, units: 5}"}, ["image -> flat -> b -> c -> a -> scores"])

    assert said(before, after)[:3] == ["= a is now b", "+ a: {type: linear, units: 5}", "~ c -> scores becomes a -> scores"]


def test_plain_values_say_the_same() -> None:
    value = as_dict(difference(SENTIMENT, SENTIMENT, "nodes.drop.rate=0.5", "train.epochs=3"))

    assert value["nodes"] == [{"path": "drop.rate", "before": 0.3, "after": 0.5}]
    assert value["training"] == [{"path": "epochs", "before": 10, "after": 3}]
    assert value["parameters"] == {"before": "64*text+99074", "after": "64*text+99074", "nodes": []}
    assert (value["same"], value["renamed"], value["edges"]) == (False, {}, {"added": [], "gone": [], "changed": []})
