"""Whether a spec that cuts sequences into pieces, or continues them from window to window, can be run so."""

from __future__ import annotations

from collections.abc import Mapping

from nnrun.runner.compiler.graph.graph import Graph, GraphNode
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.text.diagnostic import Place, Report


def check_streams(spec: Spec, graph: Graph, report: Report) -> None:
    """Findings about `truncate` and `carry_state`."""
    train, data = spec.train, spec.data
    if train is None or (train.truncate is None and not train.carry_state):
        return
    option = "carry_state" if train.carry_state else "truncate"
    at = Place(("train", option), "key")
    for node in graph.nodes.values():
        if node.config is not None and node.config.looks_ahead and not report.blames(node.path):
            headline = f"`{node.name}` looks at later ticks, and with `{option}` they are not known yet"
            report.add("conflicting-keys", headline, at=at, notes=[(Place(node.path, "key"), "looks ahead")], help="keep one of them")
    if not (graph.loops or any(map(_remembers, graph.nodes.values())) or any(_reads_late(graph.nodes))):
        headline = f"`{option}` is about what loops and cells remember, and the graph has neither"
        report.add("conflicting-keys", headline, at=at, help=f"leave out `{option}`")
    if not train.carry_state or data is None:
        return
    if train.shuffle:
        headline = "`carry_state` continues each window where the one before ended, and `shuffle` takes them in random order"
        report.add(
            "conflicting-keys", headline, at=Place(("train", "shuffle"), "key"), notes=[(at, "continues")], help="leave out `shuffle`"
        )
    if data.window is None:
        if not report.blames(("data",)):
            headline = "`carry_state` continues each window where the one before ended, and the data is not cut into windows"
            help = "`window: {length: 50, stride: 50}` under `data` cuts a series, `window: {length: 50}` a text"
            report.add("conflicting-keys", headline, at=at, help=help)
        return
    parted = [path for path, column in ((("data", "window", "by"), data.window.by), (("data", "time"), data.time)) if column is not None]
    for path in parted:
        headline = f"`carry_state` continues each window where the one before ended, and `{path[-1]}` parts the rows into several series"
        report.add("conflicting-keys", headline, at=Place(path, "key"), notes=[(at, "continues")], help="keep one of them")
    if data.stride != data.window.length:
        how = "overlap" if data.stride < data.window.length else "leave ticks out between them"
        headline = f"`carry_state` continues each window where the one before ended, but windows of {data.window.length} ticks {how}"
        where = ("data", "window", "stride") if "stride" in data.window.model_fields_set else ("data", "window")
        help = f"`stride: {data.window.length}` puts each behind the other"
        report.add("conflicting-keys", headline, at=Place(where, "key"), notes=[(at, "continues")], help=help)


def _remembers(node: GraphNode) -> bool:
    return node.config is not None and "state" in node.config.outputs


def _reads_late(nodes: Mapping[str, GraphNode]) -> list[str]:
    return [node.name for node in nodes.values() for edge in node.edges if edge.source.delay]
