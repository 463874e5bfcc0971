"""The graph: every input of every node, the objectives, the loops and the energy networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from registry.node import Node
from runner.compiler.cycles import EnergyNet, Loop, energy_nets, order
from runner.compiler.diagnostic import Notes, Path, Place, Report
from runner.compiler.edges import Edge
from runner.compiler.names import Declared, Flat
from runner.compiler.objectives import Objective, check_port, judged, resolve_objectives
from runner.compiler.reach import dead_nodes, report_unread
from runner.compiler.spec import Spec
from runner.compiler.words import listed, nearest


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node with all that arrives, in order. `config` is None where it was wrong and is already reported."""

    name: str
    config: Node | None
    path: Path
    notes: Notes
    inputs: tuple[Edge, ...]
    ports: Mapping[str, Edge]
    whole: bool
    """All of its edges were right."""

    @property
    def edges(self) -> tuple[Edge, ...]:
        return (*self.inputs, *self.ports.values())


@dataclass(frozen=True)
class Graph:
    """Names resolved; loops and energy networks found."""

    nodes: Mapping[str, GraphNode]
    fields: tuple[str, ...]
    losses: tuple[Objective, ...]
    metrics: tuple[Objective, ...]
    loops: tuple[Loop, ...]
    energy_nets: tuple[EnergyNet, ...]
    order: tuple[str, ...]
    """Node names so that every node comes after what it reads without delay; without those of an undelayed cycle."""


def resolve_graph(spec: Spec, flat: Flat, report: Report) -> Graph:
    """The graph of a flat list of nodes and edges."""
    losses, metrics = resolve_objectives(spec, flat, report)
    forward = [edge for edge in flat.edges if edge.kind == "forward"]
    symmetric = [edge for edge in flat.edges if edge.kind == "symmetric"]
    for edge in forward:
        check_port(edge.source, edge.source_at, spec, flat, report)
    ordered = order(flat.nodes, forward, report)
    nets = energy_nets(flat.nodes, symmetric)
    _report_unsupported(ordered.loops, nets, forward, report)
    if spec.train is None or spec.train.loss is None:
        dead: set[str] = set()  # what is missing there may be what reads a node
    else:
        dead = dead_nodes(flat, flat.edges, judged(spec, flat))
    alone = dead - {name for edge in forward for name in (edge.source.name, edge.target.name)}
    report_unread(flat, forward, dead - alone if flat.lost else dead, ordered.stuck, report)
    coupled = {name for net in nets for name in net.groups}
    partial = coupled | flat.maybe_fed | alone  # of a node without any edge it is enough to say that nothing reads it
    arriving: dict[str, list[Edge]] = {name: [] for name in flat.nodes}
    for edge in forward:
        arriving[edge.target.name].append(edge)
    nodes = {name: _node(node, arriving[name], name in partial, report) for name, node in flat.nodes.items()}
    return Graph(nodes, tuple(spec.data.fields) if spec.data else (), losses, metrics, ordered.loops, nets, ordered.nodes)


def _node(node: Declared, arriving: list[Edge], partial: bool, report: Report) -> GraphNode:
    config = node.config
    inputs = tuple(edge for edge in arriving if edge.target.port is None)
    if config is None:
        return GraphNode(node.name, None, node.path, node.notes, inputs, {}, False)
    ports = {str(edge.target.port): edge for edge in reversed(arriving) if edge.target.port in config.ports}
    right = _check_ports(node, config, [edge for edge in arriving if edge.target.port is not None], ports, report)
    if config.inputs == "none" and inputs:
        headline = f"the node type `{config.type_name()}` has no main input"
        help = f"its input ports: {listed(f'{node.name}.{port}' for port in config.ports)}"
        report.add("unknown-port", headline, at=inputs[0].target_at, help=help)
    elif config.inputs == "one" and len(inputs) > 1:
        report.add(
            "too-many-inputs",
            f"`{node.name}` takes one input, got {len(inputs)}: {listed(str(edge.source) for edge in inputs)}",
            at=inputs[1].at,
            notes=[(inputs[0].at, "the first")],
            help=f"join them in a `concat` or `add` node before `{node.name}`",
        )
    elif right and not partial:
        right = _check_fed(node, config, inputs, ports, report)
    few = not inputs if config.inputs == "none" else len(inputs) == 1 if config.inputs == "one" else True
    return GraphNode(node.name, config, node.path, node.notes, inputs, ports, right and few and not partial)


def _check_ports(node: Declared, config: Node, arriving: list[Edge], ports: Mapping[str, Edge], report: Report) -> bool:
    """Whether all ports that edges name exist, and none is fed twice."""
    for edge in arriving:
        port = str(edge.target.port)
        if port not in config.ports:
            meant = nearest(port, config.ports)
            help = f"a port `{meant}` exists" if meant else f"its input ports: {listed(config.ports)}"
            headline = f"the node type `{config.type_name()}` has no input port `{port}`"
            report.add("unknown-port", headline, at=edge.target_at, help=help)
        elif edge is not ports[port]:
            headline = f"`{node.name}.{port}` takes one edge, got a second"
            report.add("too-many-inputs", headline, at=edge.at, notes=[(ports[port].at, "the first")], help="join them in a node before")
    return len(arriving) == len(ports)


def _check_fed(node: Declared, config: Node, inputs: tuple[Edge, ...], ports: Mapping[str, Edge], report: Report) -> bool:
    """Whether nothing is missing that the node needs."""
    missing: list[str | None] = [port for port, rule in config.ports.items() if rule.required and port not in ports]
    missing += [None] if config.inputs != "none" and not inputs else []
    if missing:
        where = node.name if missing[0] is None else f"{node.name}.{missing[0]}"
        at = Place(node.path, "key")
        report.add("unfed-node", f"nothing feeds `{where}`", at=at, help=f"add an edge `… -> {where}`", notes=node.notes)
    return not missing


def _report_unsupported(loops: Iterable[Loop], nets: Iterable[EnergyNet], edges: Iterable[Edge], report: Report) -> None:
    for loop in loops:
        delayed = next(edge for edge in loop.edges if edge.source.delay)
        headline = f"the loop of {listed(loop.nodes)} is not supported yet"
        report.add("not-supported-yet", headline, at=delayed.source_at, help="the recurrent cells `rnn`, `lstm` and `gru` are")
    for net in nets:
        report.add("not-supported-yet", f"the energy network of {listed(net.groups)} is not supported yet", at=net.edges[0].at)
    looped = {edge for loop in loops for edge in loop.edges}
    for edge in edges:
        if edge.initial == "learned" and edge not in looped:
            at = Place((*edge.at.path[:-1], "initial"))
            report.add("not-supported-yet", f"a learned start value of `{edge.source}` is not supported yet", at=at)
