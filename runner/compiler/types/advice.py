"""What to do about an edge that brings what a node does not take, where the graph tells more than the node's own rule."""

from __future__ import annotations

from collections.abc import Mapping

from nnrun.registry.group import Group
from nnrun.registry.node import Node
from nnrun.registry.recurrent import Recurrent
from nnrun.registry.shape import Shape, ShapeError
from nnrun.runner.compiler.graph.graph import Graph, GraphNode
from nnrun.runner.compiler.language.edges import Edge

Shapes = Mapping[str, Shape]


def input_help(node: GraphNode, edge: Edge, help: str | None, graph: Graph, shapes: Shapes) -> str | None:
    """What was meant by an edge that a node refuses; `help` is what its rule says. None where the graph tells nothing more."""
    return (
        _told_the_answer(node, edge, graph)
        or _joined_groups(node, edge, help, graph)
        or _laid_out(node, edge, graph, shapes)
        or _chosen_from(node, edge, graph)
        or _left_out(node, edge, graph, shapes)
        or _state(node, edge, help, graph)
    )


def unclamped_help(node: GraphNode, graph: Graph) -> str | None:
    """The edge that a machine lacks which no data reaches; None for a group of one that is clamped somewhere."""
    net = next((net for net in graph.energy_nets if node.name in net.groups), None)
    if net is None or any(graph.nodes[name].edges for name in net.groups):
        return None
    read = {edge.source.name for other in graph.nodes.values() for edge in other.edges}
    field = next((name for name in graph.fields if name not in read), "FIELD")
    return f"no data reaches {' and '.join(f'`{name}`' for name in net.groups)}: add an edge `{field} -> {node.name}`"


def _told_the_answer(node: GraphNode, edge: Edge, graph: Graph) -> str | None:
    for loss in graph.losses:
        asked = loss.input.name
        if (
            loss.has_target
            and edge.source.name == loss.target.name
            and not edge.source.port
            and (node.name == asked or node.name in graph.behind(asked))
        ):
            kind = loss.config.type_name()
            return f"take this edge away: `{edge.source}` is what `{kind}` asks `{asked}` for, and to read it is to know the answer"
    return None


def _joined_groups(node: GraphNode, edge: Edge, help: str | None, graph: Graph) -> str | None:
    source = graph.nodes.get(edge.source.name)
    if source is None or not isinstance(source.config, Group) or not isinstance(node.config, Group):
        return None
    return f"write `{edge.source.name} <-> {node.name}`, which joins them; where the one is to clamp the other, {help}"


def _laid_out(node: GraphNode, edge: Edge, graph: Graph, shapes: Shapes) -> str | None:
    """A `flatten` in front of what reads axes belongs behind it."""
    flat = graph.nodes.get(edge.source.name)
    if flat is None or flat.config is None or flat.config.type_name() != "flatten" or len(flat.inputs) != 1 or node.config is None:
        return None
    before = flat.inputs[0].source
    if node.config.inputs != "one" or node.config.scope != "tick" or before.value not in shapes:
        return None
    try:
        node.config.shape(shapes[before.value].tick)
    except ShapeError:
        return None
    last, after = node.name, None
    while (following := _reader(last, graph)) is not None and after is None:
        config = graph.nodes[following].config
        if config is not None and config.type_name() in ("linear", "dropout", "concat"):
            after = following
        else:
            last = following
    end = f"{last} -> {flat.name} -> {after}" if after else f"… -> {flat.name} -> …"
    return f"`{flat.name}` belongs behind what reads channels and pixels: write `{before} -> {node.name}`, and `{end}`"


def _chosen_from(node: GraphNode, edge: Edge, graph: Graph) -> str | None:
    """An edge that leaves a choice at once, where one to it was meant."""
    source = graph.nodes.get(edge.source.name)
    if source is None or source.config is None or not source.config.decides or edge.source.delay:
        return None
    before = f"{source.scores.source} -> " if source.scores is not None else ""
    return f"a choice comes behind the node that gives it scores: write `{before}{node.name} -> {source.name}`"


def _left_out(node: GraphNode, edge: Edge, graph: Graph, shapes: Shapes) -> str | None:
    """A node that stands in no edge, and makes what is wanted of what arrives."""
    if node.config is None or _needs_ports(node.config):
        return None
    read = {other.source.name for other in graph.edges}
    given = shapes[edge.source.value]
    for name, idle in graph.nodes.items():
        beside = [other.source for other in idle.edges] == [edge.source]
        if (idle.edges and not beside) or name in read or idle.config is None or idle.config.inputs != "one" or _needs_ports(idle.config):
            continue
        try:
            made = idle.config.shape(given if idle.config.scope == "time" else given.tick)
            made = made if idle.config.scope == "time" else made.along(given.time, given.ticks)
            node.config.shape(made if node.config.scope == "time" else made.tick)
        except ShapeError:
            continue
        if beside:
            return f"nothing reads `{name}`, which makes of it what is wanted: write `{name}` in place of `{edge.source}` here"
        return f"lead it through `{name}`: write `{edge.source} -> {name} -> {edge.target}`"
    return None


def _needs_ports(config: Node) -> bool:
    """Whether its rule cannot be asked about the main input alone."""
    return any(port.required for port in config.ports.values())


def _reader(name: str, graph: Graph) -> str | None:
    """The one node that reads a value."""
    readers = [node.name for node in graph.nodes.values() if any(edge.source.name == name for edge in node.inputs)]
    return readers[0] if len(readers) == 1 else None


def _state(node: GraphNode, edge: Edge, help: str | None, graph: Graph) -> str | None:
    """The state of a cell does not go with that of another: what makes both alike, with what else depends on it."""
    source = graph.nodes.get(edge.source.name)
    if source is None or edge.source.port != "state" or not isinstance(source.config, Recurrent) or not isinstance(node.config, Recurrent):
        return None
    given, own = source.config, node.config
    if type(given) is type(own) and given.parts == own.parts:
        return f"give both cells the same number: `units: {own.units}` in `{source.name}` too"
    if not given.bidirectional or own.bidirectional:
        return None
    looks = [other.name for other in graph.nodes.values() if getattr(other.config, "method", None) == "dot" and "memory" in other.ports]
    looks = [name for name in looks if graph.nodes[name].ports["memory"].source.name == source.name]
    also = "".join(f"; and `method: additive` in `{name}`, as outputs of both directions are more than those of one" for name in looks)
    return f"{help}{also}"
