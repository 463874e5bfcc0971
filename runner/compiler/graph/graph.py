"""The graph: every input of every node, the objectives, the loops and the energy networks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from nnrun.registry.catalog import Broken
from nnrun.registry.node import Node
from nnrun.runner.compiler.graph.cycles import EnergyNet, Loop, order
from nnrun.runner.compiler.graph.names import Declared, Flat
from nnrun.runner.compiler.graph.objectives import Objective, check_port, judged, resolve_objectives
from nnrun.runner.compiler.graph.reach import dead_nodes, unread
from nnrun.runner.compiler.graph.symmetric import find_nets, shared_readings
from nnrun.runner.compiler.graph.tangles import report_tangle
from nnrun.runner.compiler.language.edges import Edge, Reference
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.text.diagnostic import Notes, Path, Place, Report
from nnrun.runner.compiler.text.words import listed, nearest

INITIAL = "initial"
"""The port of a node that is read late: what its value was before the first tick."""


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
    initial: Edge | None = None
    """Gives what the value was before the first tick, to those who read it late."""
    learned: bool = False
    """What the value was before the first tick is learned."""
    scores: Edge | None = None
    """What the value is chosen from when the network generates."""

    @property
    def edges(self) -> tuple[Edge, ...]:
        return (*self.inputs, *self.ports.values())

    @property
    def start(self) -> Reference | None:
        """The value that gives what stood before the first tick."""
        return self.initial.source if self.initial else None


@dataclass(frozen=True)
class Graph:
    """Names resolved; loops and energy networks found."""

    nodes: Mapping[str, GraphNode]
    fields: tuple[str, ...]
    losses: tuple[Objective, ...]
    metrics: tuple[Objective, ...]
    loops: tuple[Loop, ...]
    energy_nets: tuple[EnergyNet, ...]
    unread: tuple[Declared, ...]
    """Nodes that nothing reads, of a chain or loop of them one."""
    order: tuple[str, ...]
    """Node names so that every node comes after what it reads without delay; without those of an undelayed cycle."""

    @property
    def edges(self) -> list[Edge]:
        """Every edge, by the node where it arrives."""
        return [edge for node in self.nodes.values() for edge in node.edges]

    def place(self, name: str) -> Place:
        """Where a node or field is written."""
        node = self.nodes.get(name)
        return Place(node.path if node else ("data", "fields", name), "key")

    def behind(self, name: str) -> dict[str, Edge]:
        """What a value is computed from at the same tick, nodes and fields, each with the edge by which it was met."""
        found: dict[str, Edge] = {}
        todo = [name]
        while todo:
            node = self.nodes.get(todo.pop())
            for edge in node.edges if node is not None else ():
                if not edge.source.delay and edge.source.name not in found:
                    found[edge.source.name] = edge
                    todo.append(edge.source.name)
        return found


def resolve_graph(spec: Spec, flat: Flat, report: Report) -> Graph:
    """The graph of a flat list of nodes and edges."""
    losses, metrics = resolve_objectives(spec, flat, report)
    scores = _scores(flat, report)
    forward = [edge for edge in flat.edges if edge.kind == "forward" and edge not in scores.values()]
    for edge in forward:
        check_port(edge.source, edge.source_at, spec, flat, report)
    nets = find_nets(flat, report)
    waiting = shared_readings(nets, forward)
    ordered = order(flat.nodes, [*forward, *waiting])
    timed = spec.data is None or any(isinstance(field, Broken) or field.timed for field in spec.data.fields.values())
    closing = {at for tangle in ordered.tangles for at in report_tangle(tangle, flat, timed, (), report)}
    if report.ok and scores:  # when the network generates, a choice waits for its scores
        for tangle in order(flat.nodes, [*forward, *waiting, *scores.values()]).tangles:
            report_tangle(tangle, flat, timed, scores, report)
    if spec.train is None or spec.train.loss is None:
        dead: set[str] = set()  # what is missing there may be what reads a node
    else:
        dead = dead_nodes(flat, flat.edges, judged(spec, flat))
    alone = dead - {name for edge in forward for name in (edge.source.name, edge.target.name)}
    idle = [] if flat.unmatched else unread(flat, forward, dead - alone if flat.lost else dead, ordered.stuck)
    partial = flat.maybe_fed | alone  # of a node without any edge it is enough to say that nothing reads it
    arriving: dict[str, list[Edge]] = {name: [] for name in flat.nodes}
    for edge in forward:
        arriving[edge.target.name].append(edge)
    starts = _starts(flat, forward, report)
    nodes: dict[str, GraphNode] = {}
    for name, node in flat.nodes.items():
        initial = starts.get(name)
        found = _node(node, [edge for edge in arriving[name] if not _gives_start(edge, node)], name in partial, closing, report)
        learned = initial is not None and initial.initial == "learned"
        nodes[name] = replace(found, initial=None if learned else initial, learned=learned, scores=scores.get(name))
    return Graph(nodes, tuple(spec.data.fields) if spec.data else (), losses, metrics, ordered.loops, nets, tuple(idle), ordered.nodes)


def _node(node: Declared, arriving: list[Edge], partial: bool, closing: Collection[Place], report: Report) -> GraphNode:
    """A node with what arrives; edges that close a cycle, which is reported, are not counted."""
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
    elif config.inputs in ("one", "optional") and len(counted := [edge for edge in inputs if edge.at not in closing]) > 1:
        report.add(
            "too-many-inputs",
            f"`{node.name}` takes one input, got {len(counted)}: {listed(str(edge.source) for edge in counted)}",
            at=counted[1].at,
            notes=[(counted[0].at, "the first")],
            help=f"join them in a `concat` or `add` node before `{node.name}`",
        )
    elif right and not partial:
        right = _check_fed(node, config, inputs, ports, report)
    few = {"none": not inputs, "one": len(inputs) == 1, "optional": len(inputs) <= 1, "many": True}[config.inputs]
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
    missing += [None] if config.inputs in ("one", "many") and not inputs else []
    if missing:
        where = node.name if missing[0] is None else f"{node.name}.{missing[0]}"
        at = Place(node.path, "key")
        report.add("unfed-node", f"nothing feeds `{where}`", at=at, help=f"add an edge `… -> {where}`", notes=node.notes)
    return not missing


def _scores(flat: Flat, report: Report) -> dict[str, Edge]:
    """By choice, the edge that brings what is chosen from. The edge from the target is named by an option."""
    found: dict[str, Edge] = {}
    choices = {name: node for name, node in flat.nodes.items() if node.config is not None and node.config.decides}
    for edge in flat.edges:
        name = edge.target.name
        if name not in choices or edge.target.port is not None or edge.kind != "forward" or edge.at.path[:-1] == choices[name].path:
            continue
        if name in found:
            notes = [(found[name].at, "the first")]
            headline = f"`{name}` chooses from one value, got two: {listed((str(found[name].source), str(edge.source)))}"
            report.add("too-many-inputs", headline, at=edge.at, notes=notes, help=f"join them in a node before `{name}`")
        elif edge.source.delay:
            headline = f"`{name}` chooses from the scores of the same tick, got `{edge.source}`"
            report.add(
                "bad-edge", headline, at=edge.source_at, help=f"write `{edge.source.value} -> {name}`; who reads `prev({name})` reads late"
            )
        found.setdefault(name, edge)
    for name, node in choices.items():
        if name not in found and name not in flat.maybe_fed:
            help = f"add an edge `… -> {name}` from a node with a score for each symbol"
            report.add(
                "unfed-node", f"nothing feeds `{name}` with scores to choose from", at=Place(node.path, "key"), help=help, notes=node.notes
            )
    return found


def _gives_start(edge: Edge, node: Declared) -> bool:
    """Whether an edge says what the node's value was before the first tick. Cells have a port of that name, for their own state."""
    return edge.target.port == INITIAL and node.config is not None and INITIAL not in node.config.ports


def _starts(flat: Flat, edges: Iterable[Edge], report: Report) -> dict[str, Edge]:
    """By node, the edge that says what its value was before the first tick: one that leads there, or one with `initial: learned`."""
    edges = list(edges)
    late = {edge.source.name for edge in edges if edge.source.delay and edge.source.port is None}
    found: dict[str, Edge] = {}
    for edge in edges:
        learned = edge.initial == "learned"
        at = Place((*edge.at.path[:-1], INITIAL)) if learned else edge.at
        if learned and (edge.source.name not in flat.nodes or edge.source.port is not None):
            headline = f"a start value is learned for the main value of a node, and `{edge.source.value}` is none"
            report.add(
                "bad-edge", headline, at=at, help="lead it through an `activation` node with `function: identity`, and read that late"
            )
            continue
        name = edge.source.name if learned else edge.target.name
        if not learned and not _gives_start(edge, flat.nodes[name]):
            continue
        if name not in late:
            help = f"a node has it where an edge reads `prev({name})`"
            report.add(
                "unknown-port", f"nothing reads an earlier tick of `{name}`, so it has no port `{INITIAL}`", at=edge.target_at, help=help
            )
        elif edge.source.delay and not learned:
            report.add(
                "bad-edge", f"`{edge.source}` has no value before the first tick, where `{edge.target}` wants one", at=edge.source_at
            )
        elif name not in found:
            found[name] = edge
        elif not (learned and found[name].initial == "learned"):
            headline = f"the value of `{name}` before the first tick is given twice"
            report.add("conflicting-keys", headline, at=at, notes=[(found[name].at, "the first")], help="keep one of them")
    return found
