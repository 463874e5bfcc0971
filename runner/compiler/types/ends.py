"""Whether `last` reads what it seems to: the final state of a sequence that was read both ways, or from its end."""

from __future__ import annotations

from collections.abc import Iterator

from nnrun.runner.compiler.graph.graph import Graph, GraphNode
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.types.shapes import Typed


def check_ends(graph: Graph, typed: Typed, report: Report) -> None:
    """Warn of every `last` whose tick is where a reading from the end has only begun."""
    for node in graph.nodes.values():
        if node.config is None or node.config.type_name() != "last" or len(node.inputs) != 1 or node.name not in typed.nodes:
            continue
        (edge,) = node.inputs
        if typed.nodes[node.name].inputs[0].backward:
            continue  # it gives the final state of each direction
        for cell, turned in _cells(graph, edge.source.name):
            notes = [(Place(cell.path, "key"), "reads both ways" if turned is None else "reads from the end")]
            if turned is None:
                headline = f"`{node.name}` reads one tick, at which the half of `{cell.name}` that reads from the end has only begun"
                help = f"`last` right behind `{cell.name}` gives the final state of each direction; what stands between them comes after it"
            else:
                headline = f"`{node.name}` reads the last tick, at which `{cell.name}`, turned round by `{turned}`, has only begun"
                help = f"a `last` in front of `{turned}` gives the final state"
            report.add("half-read", headline, at=edge.at, notes=notes, help=help, severity="warning")


def _cells(graph: Graph, name: str, turned: str | None = None) -> Iterator[tuple[GraphNode, str | None]]:
    """The cells whose outputs reach a value tick by tick and were read from the end, with the node that turned them round."""
    node = graph.nodes.get(name)
    if node is None or node.config is None:
        return
    if "state" in node.config.outputs:
        if turned is not None or getattr(node.config, "bidirectional", False):
            yield node, turned
    elif node.config.type_name() == "reverse":
        yield from _cells(graph, node.edges[0].source.name, None if turned else name) if node.edges else ()
    elif node.config.scope == "tick" and not any(edge.source.delay for edge in node.edges):
        for edge in node.inputs:
            yield from _cells(graph, edge.source.name, turned)
