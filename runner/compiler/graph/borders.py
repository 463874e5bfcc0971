"""Borders of blocks: edges that pass through one or more of them are joined to edges between real nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nnrun.runner.compiler.graph.names import Flat
from nnrun.runner.compiler.language.edges import MOST_EDGES, Edge
from nnrun.runner.compiler.text.diagnostic import Place, Report, Stop

Border = tuple[str, str | None]
"""`use:input` or `use:output`, and a port."""


def join(edges: list[Edge], flat: Flat, report: Report) -> list[Edge]:
    """Edges between nodes and fields, in the order of each node's inputs. Raises: Stop if they are too many."""
    arriving: dict[Border, list[Edge]] = {}
    for edge in edges:
        if _crosses(edge.target.name):
            arriving.setdefault((edge.target.name, edge.target.port), []).append(edge)
    _check_borders(edges, arriving, flat, report)
    _spread_suspicion(edges, arriving, flat)
    origins = _origins(arriving, flat, report)
    joined = []
    for edge in edges:
        if _crosses(edge.target.name):
            continue
        found = _through(edge, origins)
        if not found:
            flat.maybe_fed.add(edge.target.name)
        joined += found
        _bound(len(joined), edge, report)
    return joined


def _spread_suspicion(edges: list[Edge], arriving: Mapping[Border, list[Edge]], flat: Flat) -> None:
    """What a suspected border feeds is suspected as well, and so is what feeds a border that may be read."""
    leaving: dict[str, list[Edge]] = {}
    for edge in edges:
        leaving.setdefault(edge.source.name, []).append(edge)
    into: dict[str, list[Edge]] = {}
    for (name, _), held in arriving.items():
        into.setdefault(name, []).extend(held)
    forward = [name for name in flat.maybe_fed if _crosses(name)]
    while forward:
        found = {edge.target.name for edge in leaving.get(forward.pop(), ())} - flat.maybe_fed
        flat.maybe_fed |= found
        forward += [name for name in found if _crosses(name)]
    backward = [name for name in flat.maybe_read if _crosses(name)]
    while backward:
        found = {edge.source.name for edge in into.get(backward.pop(), ())} - flat.maybe_read
        flat.maybe_read |= found
        backward += [name for name in found if _crosses(name)]


def _crosses(name: str) -> bool:
    return ":" in name


def _origins(arriving: Mapping[Border, list[Edge]], flat: Flat, report: Report) -> Mapping[Border, list[Edge]]:
    """What arrives at each border, followed back to nodes and fields. Each round doubles the length of way that is followed."""
    for _ in range(len(arriving).bit_length()):
        longer: dict[Border, list[Edge]] = {}
        count = 0
        for border, edges in arriving.items():
            longer[border] = []
            for edge in edges:
                longer[border] += _through(edge, arriving)
                _bound(count + len(longer[border]), edge, report)
            count += len(longer[border])
        arriving = longer
    for (name, _), edges in arriving.items():
        use = name.partition(":")[0]
        if any(_crosses(edge.source.name) for edge in edges):
            report.add("unfed-node", f"`{use}` is fed by nothing but itself: its blocks only pass on", at=flat.uses[use])
    return {border: [edge for edge in edges if not _crosses(edge.source.name)] for border, edges in arriving.items()}


def _through(edge: Edge, arriving: Mapping[Border, list[Edge]]) -> list[Edge]:
    """The edges for one whose source may be a border."""
    if not _crosses(edge.source.name):
        return [edge]
    return [_joined(first, edge) for first in arriving.get((edge.source.name, edge.source.port), ())]


def _joined(first: Edge, second: Edge) -> Edge:
    """One edge for two that meet at a border. It is shown where the spec's own edges stand, if one of the two does."""
    source = replace(first.source, delay=first.source.delay + second.source.delay)
    initial = second.initial if second.initial != "zeros" else first.initial
    return replace(first if first.at.path[:1] == ("edges",) else second, source=source, target=second.target, initial=initial)


def _check_borders(edges: list[Edge], arriving: Mapping[Border, list[Edge]], flat: Flat, report: Report) -> None:
    leaving: dict[Border, Edge] = {}
    for edge in edges:
        if _crosses(edge.source.name):
            leaving.setdefault((edge.source.name, edge.source.port), edge)
    for (name, port), fed in arriving.items():
        use, _, border = name.partition(":")
        what = border if port is None else f"{border}.{port}"
        if border == "output" and len(fed) > 1:
            help = "join them in a `concat` or `add` node"
            report.add("too-many-inputs", f"the `{what}` of a block is one value, got {len(fed)}", at=fed[1].at, help=help)
        if border == "input" and (name, port) not in leaving and name not in flat.maybe_read:
            if port is None:
                _report_border(use, border, edges, flat, report)
                flat.suspect_all(read=[edge.source.name for edge in fed])
                continue
            help = f"give it an edge `{what} -> …`"
            report.add("unknown-port", f"the block of `{use}` reads nothing from `{what}`", at=fed[0].target_at, help=help)
    for (name, port), edge in leaving.items():
        if (name, port) in arriving or name in flat.maybe_fed:
            continue
        use, _, border = name.partition(":")
        if border == "input":
            where = use if port is None else f"{use}.{port}"
            report.add("unfed-node", f"nothing feeds `{where}`", at=flat.uses[use], help=f"add an edge `… -> {where}`")
        else:
            what = border if port is None else f"{border}.{port}"
            if port is None:
                _report_border(use, border, edges, flat, report)
                continue
            help = f"add an edge `… -> {what}` to the block"
            report.add("unknown-port", f"the block of `{use}` has no edge to `{what}`", at=edge.source_at, help=help)


def _report_border(use: str, border: str, edges: list[Edge], flat: Flat, report: Report) -> None:
    """A block that reads nothing, or gives nothing: one finding, where the block is written."""
    block = flat.blocks[use]
    inside = [name for name in (*flat.nodes, *flat.uses) if name.rpartition("/")[0] == use]
    if border == "output":
        loose = [name for name in inside if name not in {edge.source.name.partition(":")[0] for edge in edges}]
        flat.suspect_all(read=loose)
        headline, edge = f"the block `{block}` has no edge to `output`", f"{_only(loose)} -> output"
    else:
        loose = [name for name in inside if name not in {edge.target.name.partition(":")[0] for edge in edges}]
        flat.suspect_all(fed=loose)
        headline, edge = f"the block `{block}` reads nothing from `input`", f"input -> {_only(loose)}"
    report.add("unknown-port", headline, at=Place(("blocks", block), "key"), help=f"add an edge `{edge}` to it")


def _only(names: list[str]) -> str:
    """The one name there is, as the block calls it."""
    return names[0].rpartition("/")[2] if len(names) == 1 else "…"


def _bound(count: int, edge: Edge, report: Report) -> None:
    if count > MOST_EDGES:
        report.add("too-large", f"a spec has at most {MOST_EDGES} edges, blocks expanded", at=edge.at)
        raise Stop
