"""Whether a network is told what it is asked for."""

from __future__ import annotations

from nnrun.runner.compiler.graph.graph import Graph
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
        if shape is None or loss.target.port is not None or target not in behind or shape.kind == "token":
            continue
        read = {name for name in behind if name in graph.fields}
        if (shape.kind == "number" and shape.axes) or read <= asked:
            continue
        kind = loss.config.type_name()
        report.add(
            "target-among-inputs",
            f"`{loss.input}` is computed from `{target}`, which is what `{kind}` asks it for: it knows the answer",
            at=behind[target].source_at,
            notes=[(Place((*loss.path, "target")), "asked for here")],
            help=f"take `{target}` out of this edge",
            severity="warning",
        )
