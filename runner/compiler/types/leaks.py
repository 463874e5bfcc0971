"""Whether a network is told what it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from nnrun.runner.compiler.graph.graph import Graph
from nnrun.runner.compiler.graph.objectives import Objective
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.types.shapes import Typed


def check_leaks(graph: Graph, typed: Typed, report: Report) -> None:
    """Warn of a class or a number that a loss asks for and that its input is computed from.

    Who gives back all that he reads, as an autoencoder does, is asked for it on purpose. A choice is read late, and that is no leak.
    """
    asked = {loss.target.name for loss in graph.losses}
    for loss in graph.losses:
        target, behind = loss.target.name, graph.behind(loss.input.name)
        shape = typed.values.get(target)
        if loss.target.port is not None:
            edge = next(_reading(loss, graph), None)
            if edge is not None:
                _report(loss, edge, report)
            continue
        if shape is None or target not in behind or shape.kind == "token":
            continue
        read = {name for name in behind if name in graph.fields}
        if (shape.kind == "number" and shape.axes) or read <= asked:
            continue
        _report(loss, behind[target], report)


def _reading(loss: Objective, graph: Graph) -> Iterator[Edge]:
    """The edges by which a forecast is computed from what it is to foresee, be it late; who asks for its ticks alone learns nothing."""
    for name in (loss.input.name, *graph.behind(loss.input.name)):
        node = graph.nodes.get(name)
        if node is None or node.config is None:
            continue
        for edge in node.edges:
            ticks_only = edge.target.port is not None and node.config.ports[edge.target.port].ticks_only
            if edge.source.value == loss.target.value and not ticks_only:
                yield edge


def _report(loss: Objective, edge: Edge, report: Report) -> None:
    report.add(
        "target-among-inputs",
        f"`{loss.input}` is computed from `{loss.target}`, which is what `{loss.config.type_name()}` asks it for: it knows the answer",
        at=edge.source_at,
        notes=[(Place((*loss.path, "target")), "asked for here")],
        help=f"take `{loss.target}` out of this edge",
        severity="warning",
    )
