"""The hash of a graph stands for what is computed: names and an order that means nothing do not change it, all else does."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nnrun.registry.catalog import all_of, find
from nnrun.registry.node import Node
from nnrun.registry.shape import Shape
from nnrun.runner.compiler.canonical import graph_hash, meaning_of, spec_graph
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.colours import coloured
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import resolved_text
from nnrun.runner.compiler.text.diagnostic import Report
from nnrun.runner.compiler.text.source import dump, load_document
from tests.compiler.support import spec
from tests.contract.node_rows import Row, all_rows
from tests.engine.loops.graphs import Case, cases
from tests.engine.support import build
from tests.test_gallery import SPECS

SENTIMENT = next(path for path in SPECS if path.stem == "lstm_sentiment").read_text()
INCEPTION = next(path for path in SPECS if path.stem == "inception_digits").read_text()
BY_HAND = next(path for path in SPECS if path.stem == "lstm_by_hand_sentiment").read_text()
BOLTZMANN = next(path for path in SPECS if path.stem == "boltzmann_bars").read_text()


def plan_of(text: str, *changes: str) -> Plan:
    checked = check(text, settings=changes)
    assert checked.plan is not None, [finding.headline for finding in checked.report]
    return checked.plan


def hash_of(text: str, *changes: str) -> str:
    return graph_hash(plan_of(text, *changes))


def value_of(text: str) -> Any:
    return load_document(text, "spec", Report()).value


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A text with other words, all at once."""
    return re.sub(r"\b[a-z]\w*", lambda found: names.get(found.group(), found.group()), text)


def shuffled(text: str, seed: int) -> str:
    """A spec with its keys, nodes and entries of edges in another order."""
    rng = random.Random(seed)

    def other(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {key: other(item, key) for key, item in rng.sample(list(value.items()), len(value))}
        return rng.sample(value, len(value)) if key == "edges" else value

    return dump(other(value_of(text)))


def names_in(case: Case) -> list[str]:
    return sorted(set(re.findall(r"\b(?:node|wide|flat)\d+\b|\bout\b", case.text)))


@settings(max_examples=60)
@given(case=cases(), seed=st.integers(0, 2**31))
def test_a_graph_under_other_names_and_in_another_order_has_the_same_hash(case: Case, seed: int) -> None:
    names = names_in(case)
    others = [f"it{number}" for number in range(len(names))]
    random.Random(seed).shuffle(others)

    assert hash_of(shuffled(renamed(case.text, dict(zip(names, others, strict=True))), seed)) == hash_of(case.text)


@settings(max_examples=60)
@given(case=cases(), data=st.data())
def test_a_graph_with_one_node_changed_has_another_hash(case: Case, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(value_of(case.text)["nodes"])))
    plan = plan_of(case.text)
    graph = spec_graph(plan)
    node = graph.nodes[name]
    assert node.config is not None
    changes: Sequence[Mapping[str, Any]] = {
        "linear": [{"activation": "softplus"}, {"bias": not getattr(node.config, "bias", True)}, {"init": "he"}, {"freeze": True}],
        "formula": [{"is_": f"tanh({node.config.formula})"}, {"is_": f"({node.config.formula}) * 0.5"}],
        "dropout": [{"rate": 0.4}, {"same": not getattr(node.config, "same", True)}],
    }[node.config.type_name()]
    changed = replace(node, config=node.config.model_copy(update=data.draw(st.sampled_from(changes))))
    other = meaning_of(plan, replace(graph, nodes={**graph.nodes, name: changed}))

    assert sorted(coloured(other)[0].values()) != sorted(coloured(meaning_of(plan, graph))[0].values())


ROWS = [(row, option, value) for row in all_rows() for option, values in row.changes.items() for value in values]


@pytest.mark.parametrize(("row", "option", "value"), ROWS, ids=lambda value: str(value) if not isinstance(value, Row) else value.type)
def test_every_option_of_every_node_type_belongs_to_the_graph(row: Row, option: str, value: Any) -> None:
    plan = plan_of(spec())
    graph = spec_graph(plan)

    def colours(node: Node) -> list[str]:
        inputs = (graph.nodes["scores"].inputs[0],) * max(len(row.inputs), len(node.readings()))
        placed = replace(graph.nodes["scores"], config=node, inputs=inputs)
        return sorted(coloured(meaning_of(plan, replace(graph, nodes={**graph.nodes, "scores": placed})))[0].values())

    assert colours(row.node) != colours(row.but(**{option: value}).node)


CHANGES = [
    (SENTIMENT, "nodes.memory.activation=softsign"),
    (SENTIMENT, "nodes.drop.rate=0.9"),
    (SENTIMENT, "nodes.memory.units=64"),
    (SENTIMENT, "nodes.final={type: pool_time, method: mean}"),
    (SENTIMENT, "nodes.sentiment.freeze=true"),
    (SENTIMENT, "nodes.sentiment.units=2"),
    (SENTIMENT, "train.loss={type: cross_entropy, input: sentiment, target: label, label_smoothing: 0.1}"),
    (BY_HAND, 'edges=[text -> embed, "embed, prev(h, 2) -> i, f, o, g", h -> final -> drop -> sentiment]'),
    (BY_HAND, 'edges=[text -> embed, "embed, prev(c) -> i, f, o, g", h -> final -> drop -> sentiment]'),
    (BY_HAND, 'edges=[text -> embed, {edge: "embed, prev(h) -> i, f, o, g", initial: learned}, h -> final -> drop -> sentiment]'),
    (BY_HAND, "nodes.c.is=f * prev(c) - i * g"),
    (BY_HAND, "nodes.c.is=f * prev(c, 2) + i * g"),
    (BY_HAND, "nodes.h.is=o * tanh(prev(c))"),
    (BOLTZMANN, "edges=[image -> visible, visible <-> hidden]"),
    (BOLTZMANN, "edges=[image -> visible, visible <-> hidden, {edge: visible <-> visible, mask: grid}]"),
    (BOLTZMANN, "edges=[image -> visible, visible <-> hidden, {edge: visible <-> visible, mask: {type: grid, reach: 2}}]"),
    (INCEPTION, "blocks.inception.parameters.three=48"),
    (INCEPTION, "blocks.inception.nodes.p.method=mean"),
]


@pytest.mark.parametrize(("text", "change"), CHANGES, ids=[change for _, change in CHANGES])
def test_what_is_computed_otherwise_has_another_hash(text: str, change: str) -> None:
    assert hash_of(text, change) != hash_of(text)


NO_CHANGES = [
    (SENTIMENT, "name=other"),
    (SENTIMENT, "description=In other words."),
    (SENTIMENT, "train.optimizer.lr=0.5"),
    (SENTIMENT, "train.epochs=1"),
    (SENTIMENT, "data.split.seed=4"),
    (SENTIMENT, "data.fields.text.vocabulary=50"),
    (SENTIMENT, "track.baseline=simple"),
    (SENTIMENT, "metrics=[accuracy]"),
    (SENTIMENT, "metrics=[{type: accuracy, input: sentiment, target: label}]"),
    (SENTIMENT, "nodes.memory.activation=tanh"),
    (SENTIMENT, "nodes.memory.layers=1"),
    (BY_HAND, "nodes.c.is=g*i + prev(c)*f"),
    (BY_HAND, 'edges=["h -> final", "final -> drop", "prev(h), embed -> o, i, g, f", text -> embed, drop -> sentiment]'),
    (BOLTZMANN, "edges=[hidden <-> visible, visible <-> visible, image -> visible]"),
]


@pytest.mark.parametrize(("text", "change"), NO_CHANGES, ids=[change for _, change in NO_CHANGES])
def test_what_is_computed_alike_has_the_same_hash(text: str, change: str) -> None:
    assert hash_of(text, change) == hash_of(text)


def test_the_hash_of_every_spec_of_the_gallery_is_its_own() -> None:
    hashes = {path.stem: hash_of(path.read_text()) for path in SPECS}

    assert len(set(hashes.values())) == len(SPECS)


def test_a_hash_says_its_version() -> None:
    assert re.fullmatch("1:[0-9a-f]{16}", hash_of(SENTIMENT))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_resolved_spec_has_the_same_hash(path: Any) -> None:
    plan = plan_of(path.read_text())

    assert hash_of(resolved_text(plan)) == graph_hash(plan)


def test_a_block_that_is_written_out_by_hand_has_the_same_hash() -> None:
    value = value_of(INCEPTION)
    block = value["blocks"].pop("inception")
    del value["nodes"]["mixed1"], value["nodes"]["mixed2"]
    for use, given_values in (("one", {}), ("two", {"one": 32, "three": 64, "five": 32, "proj": 32})):
        parameters = block["parameters"] | given_values
        for name, node in block["nodes"].items():
            filters = str(node.get("filters", "")).removeprefix("$")
            value["nodes"][use + name] = node | ({"filters": parameters[filters]} if filters else {})
    inside = [edge for edge in block["edges"] if edge != "join -> output"]
    value["edges"] = ["image -> stem", "onejoin -> pool1", "twojoin -> average -> drop -> scores"]
    for use, before in (("one", "stem"), ("two", "pool1")):
        value["edges"] += [renamed(edge, {**{name: use + name for name in block["nodes"]}, "input": before}) for edge in inside]
    del value["blocks"]

    assert hash_of(dump(value)) == hash_of(INCEPTION)


def test_what_the_data_taught_does_not_change_the_hash() -> None:
    numbers = [1.0, 2.0, 3.0, 4.0] * 5
    built = build(two(), {"size": numbers, "weight": numbers, "kind": ["a", "b", "a", "c"] * 5})

    assert built.plan.values["out"].axes == (3,)
    assert graph_hash(built.plan) == hash_of(two())


def two(both: str = "{type: linear, units: 4}", edges: str = "size, weight -> both") -> str:
    """A spec that reads two numbers, and what `both` makes of them."""
    return (
        "nnrun: 1\nname: two\ndata:\n  source: csv\n  file: none.csv\n"
        "  fields: {size: {type: number}, weight: {type: number}, kind: {type: category}}\n"
        f"nodes: {{a: {{type: linear, units: 4}}, b: {{type: linear, units: 4, activation: relu}}, both: {both}, "
        f"out: {{type: linear, units: kind}}}}\nedges: [size -> a, weight -> b, '{edges}', 'a, b, both -> out']\n"
        "train: {loss: {type: cross_entropy, input: out, target: kind}}\n"
    )


@pytest.mark.parametrize(("type", "same"), [("add", True), ("multiply", True), ("dot", True), ("subtract", False), ("concat", False)])
def test_the_order_of_inputs_matters_where_it_matters_to_the_node(type: str, same: bool) -> None:
    one, other = (hash_of(two(f"{{type: {type}}}", f"{order} -> both")) for order in ("a, b", "b, a"))

    assert (one == other) == same


def test_a_node_type_says_truly_whether_the_order_of_its_inputs_matters() -> None:
    many = [type for type, cls in all_of("node").items() if issubclass(cls, Node) and cls.inputs == "many" and type != "formula"]
    for type in many:
        cls = find("node", type)
        assert cls is not None
        node = cls.model_validate({"type": type, **({"units": 3} if type == "linear" else {})})
        assert isinstance(node, Node)
        module, values = node.build(Shape((4,)), Shape((4,))), torch.randn(2, 5, 4)
        value = module(*values)
        if type == "linear":
            weights = dict(module.named_parameters())
            weights["weight.0"].data, weights["weight.1"].data = weights["weight.1"].data, weights["weight.0"].data

        assert torch.allclose(value, module(*values.flip(0)), atol=1e-6) == node.unordered, type


def test_fields_of_one_type_and_role_are_told_apart_by_their_columns() -> None:
    text = two("{type: subtract}")
    called = renamed(text, {"size": "long"}).replace("long: {type: number}", "long: {type: number, column: size}")

    assert hash_of(text) == hash_of(called)
    assert hash_of(text) != hash_of(two("{type: subtract}", "weight, size -> both"))


def test_a_field_that_is_alone_of_its_kind_may_be_called_otherwise() -> None:
    assert hash_of(renamed(two(), {"kind": "sort"})) == hash_of(two())


def test_weights_that_are_shared_are_not_weights_that_are_alike() -> None:
    nodes = {"flat": "{type: flatten}", "a": "{type: linear, units: 64}", "b": "{type: linear, units: 64}"}
    edges = ["image -> flat -> a -> b -> scores"]

    assert hash_of(spec(nodes, edges)) != hash_of(spec(nodes | {"b": "{type: linear, units: 64, share: a}"}, edges))


def rings(*sizes: int) -> str:
    """Loops of equal nodes, each of which reads the field and the node before it a tick ago."""
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    arrows = [
        f'"prev(h{start + (place - 1) % size}) -> h{start + place}"'
        for start, size in zip(starts, sizes, strict=True)
        for place in range(size)
    ]
    names = [f"h{number}" for number in range(sum(sizes))]
    nodes = ", ".join(f"{name}: {{type: linear, units: 2, activation: tanh}}" for name in names)
    return (
        "nnrun: 1\nname: rings\ndata: {source: csv, file: none.csv, fields: {x: {type: series, size: 2}, y: {type: number, along: x}}}\n"
        f"nodes: {{{nodes}, out: {{type: linear, units: 1}}}}\n"
        f'edges: [{", ".join(arrows)}, "x -> {", ".join(names)}", "{", ".join(names)} -> out"]\n'
        "train: {loss: {type: mse, input: out, target: y}}\n"
    )


def test_loops_of_equal_nodes_are_told_apart_by_their_length() -> None:
    assert hash_of(rings(3, 3)) != hash_of(rings(6))


PRISM = "v0 <-> v1, v1 <-> v2, v2 <-> v0, v3 <-> v4, v4 <-> v5, v5 <-> v3, v0 <-> v3, v1 <-> v4, v2 <-> v5"
ALL_WITH_ALL = ", ".join(f"v{one} <-> v{other}" for one in (0, 1, 2) for other in (3, 4, 5))


def groups(couplings: str) -> str:
    """Six equal groups, each clamped by the same field."""
    return (
        "nnrun: 1\nname: six\ndata: {source: bars_and_stripes, fields: {image: {type: image}}}\n"
        f"nodes: {{{', '.join(f'v{number}: {{type: binary_units}}' for number in range(6))}}}\n"
        f'edges: ["image -> v0, v1, v2, v3, v4, v5", {couplings}]\n'
        "train: {learner: {type: contrastive_divergence}}\n"
    )


def test_equal_groups_that_are_joined_equally_often_share_a_hash() -> None:
    """The limit of colours, as the docstring of `graph_hash` has it: three neighbours each, in triangles or without."""
    assert hash_of(groups(PRISM)) == hash_of(groups(ALL_WITH_ALL))
