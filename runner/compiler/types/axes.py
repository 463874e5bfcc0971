"""Time axes: which one a node runs along, and what its shape rule sees of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nnrun.registry.algebra.ticks import origin
from nnrun.registry.node import Node
from nnrun.registry.shape import Shape
from nnrun.runner.compiler.graph.graph import Graph, GraphNode
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.text.diagnostic import Place, Report

BRINGERS = "fields of type text, video and series bring a time axis"

ENDS = ("last", "pool_time")
"""Nodes that make one value of a sequence."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Types of a node's inputs as its rule takes them, and the time axis it runs along."""

    inputs: tuple[Shape, ...]
    ports: Mapping[str, Shape]
    time: str | None
    ticks: int | None


def seen_by(
    node: GraphNode,
    config: Node,
    values: Mapping[str, Shape],
    graph: Graph,
    report: Report,
    series: Mapping[str, bool],
) -> Seen | None:
    """What a node sees, or None after a finding. `series` are the fields of this type, and whether each is predicted."""
    own: Edge | None = None
    for edge in node.edges:
        shape = values[edge.source.value]
        made = [(graph.place(edge.source.name), "made here")]
        rule = config.ports[edge.target.port].time if edge.target.port else "same"
        if edge.source.delay and shape.time is None:
            headline = f"`{edge.source}` reads an earlier tick, but `{edge.source.name}` has no time axis"
            report.add("no-time-axis", headline, at=edge.source_at, notes=made, help=BRINGERS)
            return None
        if rule == "none" and shape.time is not None:
            headline = f"`{edge.target}` takes one value a sequence, but `{edge.source}` gives {shape}"
            report.add("shape-mismatch", headline, at=edge.at, notes=made, help="a `last` or `pool_time` node between them gives one")
            return None
        if rule != "same" or shape.time is None:
            continue
        own = own or edge
        if values[own.source.value].time != shape.time:
            _report_two_axes(node, own, edge, values, graph, report, series)
            return None
    time, ticks = (values[own.source.value].time, values[own.source.value].ticks) if own else (None, None)
    if config.scope == "tick":
        values = {edge.source.value: values[edge.source.value].tick for edge in node.edges}
    elif time is None and all(rule.time != "own" for rule in config.ports.values()):
        edge = node.edges[0]
        headline = f"`{node.name}` takes a sequence, but `{edge.source}` gives {values[edge.source.value]}"
        help = _ended(node, edge, values, graph) or _rows(edge, values, graph) or BRINGERS
        report.add("no-time-axis", headline, at=edge.at, notes=[(graph.place(edge.source.name), "made here")], help=help)
        return None
    inputs = tuple(values[edge.source.value] for edge in node.inputs)
    return Seen(inputs, {port: values[edge.source.value] for port, edge in node.ports.items()}, time, ticks)


def _ended(node: GraphNode, edge: Edge, values: Mapping[str, Shape], graph: Graph) -> str | None:
    """The node that made one value of a sequence before another one wants its ticks."""
    name, seen = edge.source.name, set[str]()
    while name in graph.nodes and name not in seen:
        seen.add(name)
        last = graph.nodes[name]
        if not last.inputs or last.config is None:
            return None
        before = last.inputs[0].source
        if before.value in values and values[before.value].time is not None:
            if node.config is not None and node.config.type_name() in ENDS:
                return f"`{name}` makes one value of the sequence already: take `{node.name}` away"
            return f"`{name}` makes one value of the sequence: take it away, so that `{node.name}` reads the ticks of `{before}`"
        name = before.name
    return None


def _rows(edge: Edge, values: Mapping[str, Shape], graph: Graph) -> str | None:
    """How the rows of a picture are ticks."""
    axes = values[edge.source.value].axes
    if len(axes) != 3:
        return None
    reads = "a picture has no ticks: `conv`, or `flatten` and `linear`, read it"
    if edge.source.name not in graph.fields or axes[0] != 1 or not isinstance(axes[2], int):
        return reads
    return f"{reads}; for rows as ticks its field is `{{type: series, size: {axes[2]}}}`, with its `column` where it has one"


def _report_two_axes(
    node: GraphNode,
    first: Edge,
    second: Edge,
    values: Mapping[str, Shape],
    graph: Graph,
    report: Report,
    series: Mapping[str, bool],
) -> None:
    one, other = str(values[first.source.value].time), str(values[second.source.value].time)
    fields = dict.fromkeys((origin(one), origin(other)))
    report.add(
        "two-time-axes",
        f"`{node.name}` reads `{first.source}` along `{one}` and `{second.source}` along `{other}`",
        at=second.at,
        label=f"ticks of `{other}` arrive here",
        notes=[
            (first.at, f"ticks of `{one}` arrive here"),
            *((Place(("data", "fields", name), "key"), f"the axis `{name}` comes from here") for name in fields),
        ],
        help=_one_axis(one, other, values, series)
        or _made_of_one(one, other)
        or _swapped((first, second), values, graph)
        or "reduce one of them with `last` or `pool_time`, or join them by `attention`",
    )


def _made_of_one(one: str, other: str) -> str | None:
    """How what is made of one axis has the same ticks on two ways."""
    if origin(one) != origin(other):
        return None
    return f"the same `stride`, and sizes and `padding` alike, on both ways from `{origin(one)}`; or reduce one by `last` or `pool_time`"


def _swapped(edges: Sequence[Edge], values: Mapping[str, Shape], graph: Graph) -> str | None:
    """Attention whose two ports are fed the wrong way round: it gives a value at each tick of what should be its memory."""
    for edge, other in (edges, edges[::-1]):
        ports = graph.nodes[edge.source.name].ports if edge.source.name in graph.nodes else {}
        if {"query", "memory"} <= ports.keys() and values[ports["memory"].source.value].time == values[other.source.value].time:
            query, memory, name = ports["query"].source, ports["memory"].source, edge.source.name
            what = f"`{name}` gives a value at each tick of its query"
            return f"{what}: write `{memory} -> {name}.query` and `{query} -> {name}.memory`"
    return None


def _one_axis(one: str, other: str, values: Mapping[str, Shape], series: Mapping[str, bool]) -> str | None:
    """How two series of one table share an axis: what is predicted keeps its own."""
    if one not in series or other not in series:
        return None
    owner, guest = (one, other) if series[one] or not series[other] else (other, one)
    if not series[guest] and not values[guest].axes:
        return f"columns of one table share their ticks: give `{guest}` `type: number, along: {owner}`"
    return f"columns of one table share their ticks: make one series of them, with the `columns` of `{one}` and `{other}`"
