"""Types of the values of a loop, where each may follow from the others.

What does not depend on an unknown value is settled first, then what follows from it, until nothing changes. `shapes.py` then
types the nodes as any others, and finds what does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from nnrun.registry.node import Node
from nnrun.registry.shape import Shape, ShapeError
from nnrun.runner.compiler.graph.cycles import Loop
from nnrun.runner.compiler.graph.graph import GraphNode
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.text.words import listed
from nnrun.runner.compiler.types.axes import BRINGERS, ENDS


def outline_loop(
    loop: Loop,
    nodes: Sequence[GraphNode],
    configs: Mapping[str, Node],
    values: Mapping[str, Shape],
    report: Report,
    refuse: Callable[[GraphNode, ShapeError, Mapping[str, Shape]], None],
    unread: Sequence[str] = (),
) -> dict[str, Shape]:
    """Types of the loop's values; none where something wrong, here or before, keeps them from being known.

    `nodes` come in the order of a tick; `configs` are theirs with all sizes settled; `refuse` reports what a node
    does not take, given all shapes that are known; `unread` are nodes that nothing reads.
    """
    entering = [edge for node in nodes for edge in node.edges if edge.source.name not in loop.nodes]
    if len(configs) < len(nodes) or not all(node.whole for node in nodes) or any(edge.source.value not in values for edge in entering):
        return {}
    able = [_can_loop(node, configs[node.name], loop, report) for node in nodes]  # of all nodes, so that each is reported
    if not all(able):
        return {}
    ticking = [values[edge.source.value] for edge in entering if _shares_ticks(edge, configs)]
    axis = next((shape for shape in ticking if shape.time), None)
    if axis is None:
        _report_no_ticks(loop, values, unread, report)
        return {}
    refused: dict[str, ShapeError] = {}
    known = {node.name: values[node.start.value].tick for node in nodes if node.start and node.start.value in values}
    for _ in range(2 * len(nodes) + 2):
        before, refused = dict(known), {}
        for node in nodes:
            reads = {edge.source.value: values.get(edge.source.value) for edge in node.edges}
            reads |= {value: known[value].along(axis.time, axis.ticks) for value in reads if value in known}
            try:
                told = _told(node, configs[node.name], reads)
            except ShapeError as error:
                refused[node.name] = error
                # what it gives whatever it reads, so that a start value is not taken for it
                told = _told(node, configs[node.name], dict.fromkeys(reads))
            if told is not None:
                known[node.name] = told.tick
        if known == before:
            break
    else:
        _report_unsettled(nodes[0], report)
        return {}
    unknown = [node for node in nodes if node.name not in known]
    if unknown:
        faulty = next((node for node in unknown if node.name in refused), None)
        if faulty is not None:
            refuse(faulty, refused[faulty.name], {**values, **known})
        else:
            _report_unknown(unknown[0], known, values, report)
        return {}
    return {name: shape.along(axis.time, axis.ticks) for name, shape in known.items()}


def _report_no_ticks(loop: Loop, values: Mapping[str, Shape], unread: Sequence[str], report: Report) -> None:
    """Where the loop reads an earlier tick, at an edge that is written as one if there is one; with what should enter there."""
    late = sorted((edge for edge in loop.edges if edge.source.delay), key=lambda edge: edge.at.path[0] != "edges")[0]
    headline = f"nothing with ticks enters the loop of {listed(loop.nodes)}, so there is no tick before this one"
    spare = next((name for name in unread if name in values and values[name].time is not None), None)
    ticks = any(shape.time is not None for shape in values.values())
    help = BRINGERS if ticks else f"take the edge away, as no field brings ticks; {BRINGERS}"
    if spare is not None and late.at.path[0] == "edges":
        targets = [str(edge.target) for edge in loop.edges if edge.source_at == late.source_at]
        help = f"nothing reads `{spare}`, which has ticks: write `{spare}, {late.source} -> {', '.join(targets)}`"
    report.add("no-time-axis", headline, at=late.source_at, help=help)


def _told(node: GraphNode, config: Node, reads: Mapping[str, Shape | None]) -> Shape | None:
    """What a node gives, as far as what it reads tells. Raises: ShapeError."""
    seen = {name: shape and shape.tick if config.scope == "tick" else shape for name, shape in reads.items()}
    inputs = [seen[edge.source.value] for edge in node.inputs]
    ports = {port: seen[edge.source.value] for port, edge in node.ports.items()}
    if None in seen.values():
        return config.outline(*inputs, **ports)
    return config.shape(*inputs, **ports)


def _shares_ticks(edge: Edge, configs: Mapping[str, Node]) -> bool:
    """Whether the ticks of what an edge brings are those of the node."""
    return edge.target.port is None or configs[edge.target.name].ports[edge.target.port].time == "same"


def _can_loop(node: GraphNode, config: Node, loop: Loop, report: Report) -> bool:
    """Whether a node can run tick by tick; a finding if not."""
    if getattr(config, "causal", False):
        headline = f"`causal` takes a whole sequence, but `{node.name}` stands in a loop, where ticks come one by one"
        help = f"lead the loop's edges past `{node.name}`"
        report.add("sequence-in-loop", headline, at=Place((*node.path, "causal"), "key"), notes=node.notes, help=help)
        return False
    whole = [edge for port, edge in node.ports.items() if config.ports[port].time == "own" and edge.source.name in loop.nodes]
    if config.scope == "tick" or (config.memoryless and not whole):
        return True
    if config.memoryless:
        headline = f"`{whole[0].target}` takes a whole sequence, but `{whole[0].source}` is made tick by tick in the same loop"
        report.add("sequence-in-loop", headline, at=whole[0].at, notes=node.notes)
        return False
    headline = (
        f"the node type `{config.type_name()}` takes a whole sequence, but `{node.name}` stands in a loop, where ticks come one by one"
    )
    at, notes = Place(node.path, "key"), node.notes
    help = "write it as nodes that read `prev()`; the gallery shows an LSTM so" if config.outputs else "lead the loop's edges past it"
    back = [edge for edge in loop.edges if edge.source.name == node.name]
    if config.type_name() in ENDS and len(node.inputs) == 1 and back:
        before = node.inputs[0].source
        help = f"write `{replace(back[0].source, name=before.name, port=before.port)}`: what goes into `{node.name}` has each tick"
        at, notes = back[0].source_at, ((at, "gives one value of a sequence"), *notes)
    report.add("sequence-in-loop", headline, at=at, notes=notes, help=help)
    return False


def _report_unsettled(node: GraphNode, report: Report) -> None:
    headline = f"the shape of `{node.name}` follows from itself and never settles: each tick would need another"
    help = "a `linear` node in the loop, whose `units` are written, settles it"
    report.add("shape-mismatch", headline, at=Place(node.path, "key"), notes=node.notes, help=help)


def _report_unknown(node: GraphNode, known: Mapping[str, Shape], values: Mapping[str, Shape], report: Report) -> None:
    edge = next(edge for edge in node.edges if edge.source.value not in known and edge.source.value not in values)
    name = edge.source.name
    headline = f"the shape of `{node.name}` follows from `{edge.source}`, whose shape follows from `{node.name}`"
    help = f"an edge to `{name}.initial` tells it, and so does a `linear` node, or a sum with a value from outside, in their place"
    report.add("shape-mismatch", headline, at=edge.at, notes=node.notes, help=help)
