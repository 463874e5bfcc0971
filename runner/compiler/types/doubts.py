"""What can be run and is hardly ever meant: warnings that a graph gives rise to before any training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nnrun.registry.algebra.activations import RANGES
from nnrun.registry.field import Field
from nnrun.registry.objective import TargetLoss
from nnrun.runner.compiler.graph.graph import Graph, GraphNode
from nnrun.runner.compiler.graph.objectives import Objective
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.text.diagnostic import Notes, Place, Report
from nnrun.runner.compiler.types.shapes import Typed

PASSING = frozenset(["flatten", "reshape", "dropout", "last", "reverse", "repeat", "pool", "global_pool", "upsample"])
"""Nodes whose numbers are some of those that they read, or lie between them."""


def doubt(graph: Graph, typed: Typed, report: Report) -> None:
    """Warn of outputs that cannot say what they are to learn, and of edges that are drawn twice."""
    for loss in graph.losses:
        _check_range(loss, graph, typed, report)
    for node in graph.nodes.values():
        for first, again in _repeated(node):
            _report_repeated(node, first, again, report)


def _check_range(objective: Objective, graph: Graph, typed: Typed, report: Report) -> None:
    """The function that a judged value comes out of leaves nothing away that the target needs."""
    loss, target = objective.config, typed.values.get(objective.target.value)
    found = _outermost(objective.input.name, graph)
    if objective.input.port is not None or not isinstance(loss, TargetLoss) or target is None or found is None:
        return
    node, function, option = found
    assert node.config is not None
    kind, judge = node.config.type_name(), loss.type_name()
    if loss.logits:
        missed = loss.missed(function, target)
        why = f"`{judge}` takes scores and makes probabilities of them itself"
    else:
        missed = _below(function, typed.fields, objective)
        why = f"`{judge}` compares it with numbers around 0"
    if missed is None:
        return
    instead = f"write `input: {node.inputs[0].source.value}` and take" if node.name == objective.input.name and node.inputs else "take"
    help = {
        "activation": f"{instead} `{node.name}` away",
        "formula": f"leave out `{function}(…)`",
        "linear": f"leave out `activation: {function}`",
        "conv": f"leave out `activation: {function}`",
        "conv_transpose": f"leave out `activation: {function}`",
        "conv_time": f"leave out `activation: {function}`",
        "causal_conv": f"leave out `activation: {function}`",
    }.get(kind, f"a `linear` node behind `{node.name}` gives every number")
    notes: Notes = ((Place((*objective.path, "input")), "judged here"), *node.notes)
    headline = f"`{node.name}` comes out of `{function}`, but {why}: {missed}"
    report.add("narrow-output", headline, at=Place((*node.path, option)), notes=notes, help=help, severity="warning")


def _outermost(name: str, graph: Graph) -> tuple[GraphNode, str, str] | None:
    """The node that settles which numbers a value may have, its function, and the option that names it."""
    seen: set[str] = set()
    while name in graph.nodes and name not in seen:
        seen.add(name)
        node = graph.nodes[name]
        if node.config is None:
            return None
        function, option = node.config.outermost or ("identity", "")
        if function in RANGES:
            return node, function, option
        passes = node.config.type_name() in PASSING or (node.config.type_name() == "activation" and function == "identity")
        if not passes or len(node.inputs) != 1 or node.inputs[0].source.port is not None:
            return None
        name = node.inputs[0].source.name
    return None


def _below(function: str, fields: Mapping[str, Field], objective: Objective) -> str | None:
    """What is missed of a target that was made to have the mean 0."""
    normalized = getattr(fields.get(objective.target.name), "normalize", None) == "standard"
    return "it is never below 0, where about half of the target lies" if normalized and RANGES[function][0] >= 0 else None


def _repeated(node: GraphNode) -> Iterator[tuple[Edge, Edge]]:
    """Edges that bring a node what another brings it already, each with the first. A product of a value with itself is its square."""
    if node.config is None or node.config.inputs != "many" or node.config.type_name() in ("multiply", "dot", "formula"):
        return
    first: dict[tuple[str, int], Edge] = {}
    for edge in node.inputs:
        known = first.setdefault((edge.source.value, edge.source.delay), edge)
        if known is not edge:
            yield known, edge


def _report_repeated(node: GraphNode, first: Edge, again: Edge, report: Report) -> None:
    report.add(
        "repeated-edge",
        f"`{again.source}` leads into `{node.name}` twice",
        at=again.at,
        notes=[(first.at, "the first"), *node.notes],
        help="leave one of them out; through a node between them it would arrive as something else",
        severity="warning",
    )
