"""The graph of a plan by meaning: what is computed, whatever its parts are called and in whatever order they are written.

To the graph belong its nodes with all of their options, written out or not; edges with delays, ports, start values and masks; what losses
judge, and with which options; and which values metrics compare. A formula is a small graph of its own. Fields are told apart by their type
and by whether the network reads them or is judged by them, and only where that is equal by the columns they are made of. Sizes that a field
brings are the field's: `units: label` is the same before and after the data is read. How the network is trained, on which data, and how it
decodes does not belong to the graph.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nnrun.registry.algebra.formula import Constant, Expression, Read, parse
from nnrun.runner.compiler.colours import Meaning, coloured, digest
from nnrun.runner.compiler.graph.blocks import expand
from nnrun.runner.compiler.graph.graph import Graph, GraphNode, resolve_graph
from nnrun.runner.compiler.graph.objectives import reference
from nnrun.runner.compiler.language.edges import Edge, Reference
from nnrun.runner.compiler.plan import Comparison, Plan
from nnrun.runner.compiler.resolved import plain
from nnrun.runner.compiler.text.diagnostic import Report
from nnrun.runner.compiler.types.shapes import shared

VERSION = 1
"""Of what belongs to the graph and how it is counted: hashes of two versions say nothing of each other."""

COMMUTATIVE = ("add", "multiply", "minimum", "maximum")
"""Functions of a formula that give the same when their arguments change places."""

ORIENTED = ("file", "random")
"""Masks that are not the same when the groups of a symmetric edge change places."""


def graph_hash(plan: Plan) -> str:
    """The hash of a plan's graph: equal for equal graphs, whatever their names and the order in which they are written.

    Colours are refined until none parts any more (Weisfeiler and Leman 1968). Graphs that this cannot tell apart share a hash: those in
    which many nodes with the same options are each joined in the same way, but round different ways, such as six equal groups as
    two triangles that are joined corner by corner, or as two threes that are joined all with all. Networks that read data and are judged
    are told apart by how far each node is from both.
    """
    return hash_of(meaning_of(plan, spec_graph(plan)))


def hash_of(meaning: Meaning) -> str:
    """The hash of a graph by its meaning."""
    colours, _ = coloured(meaning)
    return f"{VERSION}:{digest(str(len(meaning.relations)), *sorted(colours.values()))[:16]}"


def spec_graph(plan: Plan) -> Graph:
    """The graph as the spec has it: blocks opened and names resolved, without anything that the data taught."""
    report = Report()
    return resolve_graph(plan.spec, expand(plan.spec, report), report)


def meaning_of(plan: Plan, graph: Graph) -> Meaning:
    """What a plan's graph means; `graph` is that of its spec."""
    making = _Making(plan, graph)
    for node in graph.nodes.values():
        making.node(node)
    for net in graph.energy_nets:
        for edge in net.edges:
            making.coupling(edge)
    making.judgements()
    making.fields()
    return Meaning(making.own, {ends: _text(sorted(map(_text, held))) for ends, held in making.relations.items()})


@dataclass
class _Making:
    plan: Plan
    graph: Graph
    own: dict[str, str] = field(default_factory=dict)
    relations: dict[tuple[str, str], list[list[Any]]] = field(default_factory=lambda: defaultdict(list))

    def join(self, source: Reference, target: str, *how: Any) -> None:
        self.relations[source.name, target].append([*how, source.port, source.delay])

    def node(self, node: GraphNode) -> None:
        config = node.config
        assert config is not None
        options = options_of(node)
        units = options.get("units")
        if isinstance(units, str):
            del options["units"]
            self.join(reference(units), node.name, "units")
        if (share := getattr(config, "share", None)) is not None:
            self.join(Reference(shared(node.name, share, self.graph)), node.name, "share")
        self.own[node.name] = _text([config.type_name(), options, node.learned])
        if config.formula is not None:
            self.expression(parse(config.formula).expression, node, node.name, "is")
        else:
            for position, edge in enumerate(node.inputs):
                self.join(edge.source, node.name, "input", None if config.unordered else position)
        for port, edge in node.ports.items():
            self.join(edge.source, node.name, "port", port)
        for how, other in (("initial", node.initial), ("scores", node.scores)):
            if other is not None:
                self.join(other.source, node.name, how)

    def expression(self, part: Expression, node: GraphNode, above: str, *how: Any) -> None:
        if isinstance(part, Read):
            self.join(node.inputs[part.index].source, above, *how)
            return
        name = f"{node.name} {len(self.own)}"
        self.own[name] = _text(["value", part.value] if isinstance(part, Constant) else ["function", part.function])
        self.join(Reference(name), above, *how)
        if not isinstance(part, Constant):
            for position, argument in enumerate(part.arguments):
                self.expression(argument, node, name, "argument", None if part.function in COMMUTATIVE else position)

    def coupling(self, edge: Edge) -> None:
        mask = None if edge.mask is None else plain(edge.mask)
        self.join(edge.source, edge.target.name, "coupling", mask)
        if edge.mask is None or edge.mask.type not in ORIENTED:
            self.join(edge.target, edge.source.name, "coupling", mask)

    def judgements(self) -> None:
        judged: Counter[tuple[str, str, str, str | None]] = Counter()
        for stage in (*self.plan.stages, self.plan):
            judged |= Counter((judgement(loss), loss.input, loss.target, loss.weights) for loss in stage.losses)
        compared = dict.fromkeys((metric.input, metric.target) for metric in self.plan.metrics)
        known = {(input, target) for _, input, target, _ in judged} | set(self.decided())
        held = [*judged.elements(), *(("compared", *pair, None) for pair in compared if pair not in known)]
        for number, (how, input, target, weights) in enumerate(held):
            name = f"judgement {number}"
            self.own[name] = how
            self.join(reference(input), name, "judged")
            self.join(reference(target), name, "target")
            if weights is not None:
                self.join(reference(weights), name, "weights")

    def decided(self) -> Iterator[tuple[str, str]]:
        """Choices with their targets: that these are compared goes without saying."""
        for node in self.graph.nodes.values():
            if node.config is not None and node.config.decides:
                yield node.name, str(getattr(node.config, "target", ""))

    def fields(self) -> None:
        """The fields that matter to the graph, which is known when all else is."""
        roles: dict[str, set[str]] = defaultdict(set)
        for source, target in self.relations:
            if source not in self.own:
                roles[source].add("judges" if target.startswith("judgement ") else "read")
        same: dict[str, list[str]] = defaultdict(list)
        for name, held in roles.items():
            same[_text(["field", self.plan.fields[name].type_name(), sorted(held)])].append(name)
        for what, names in same.items():
            for name in names:
                columns = self.plan.fields[name].reads(name) if len(names) > 1 else ()
                self.own[name] = what + _text(columns)


def options_of(node: GraphNode) -> dict[str, Any]:
    """What a node's options say, defaults filled in, without those that only name what it reads or shares, or what it holds."""
    assert node.config is not None
    naming = {"share", "recompute", *(reading.option for reading in node.config.readings())}
    options = {key: value for key, value in plain(node.config).items() if key not in (node.config.tag, *naming)}
    weights = options.get("weights")
    if isinstance(weights, str) and "/" not in weights:
        options["weights"] = f"{weights}/{node.name}"  # what goes without saying: the node of the same name
    return options


def judgement(loss: Comparison) -> str:
    """A loss without what it compares and how it is called."""
    return _text({key: value for key, value in plain(loss.config).items() if key not in ("input", "target", "name", "example_weights")})


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
