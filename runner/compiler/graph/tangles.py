"""What to say of nodes that wait for each other: which edges close a cycle, and what was meant by it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from nnrun.registry.group import Group
from nnrun.runner.compiler.graph.cycles import Tangle, shortest_cycle, strong
from nnrun.runner.compiler.graph.names import Flat
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.text.words import written


def report_tangle(tangle: Tangle, flat: Flat, timed: bool, late: Collection[str], report: Report) -> set[Place]:
    """One finding for all that closes cycles, as one who forgets `prev` forgets it everywhere; where the edges stand that do.

    `timed` says whether any field brings ticks; `late` are nodes that are meant to be read late, as a choice is.
    """
    cycles = list(_cycles(tangle.nodes, tangle.edges, tangle.entered, late))
    cycles = cycles if len(cycles) <= MANY else cycles[:1]
    last = cycles[0][-1]
    if all(isinstance(flat.nodes[edge.source.name].config, Group) for edge in cycles[0]):
        headline = f"{_shown(cycles[0])} is a cycle of edges `->`, and groups of units are joined by `<->`"
        first, second = cycles[0][0].source.name, last.source.name
        report.add("undelayed-cycle", headline, at=last.at, help=f"write `{first} <-> {second}`, one edge for both directions")
    elif (twice := [path[-1] for path in cycles if _comes_again(path, tangle, flat, timed)]) and len(twice) == len(cycles):
        _report_again(twice, flat, report)
    else:
        _report_cycles(cycles, tangle, timed, report)
    return {path[-1].at for path in cycles}


def _report_cycles(cycles: list[list[Edge]], tangle: Tangle, timed: bool, report: Report) -> None:
    first, *others = cycles
    shown, last = [_shown(path) for path in cycles], first[-1]
    closing = {path[-1].source_at: text for path, text in zip(others[::-1], shown[:0:-1], strict=True)}
    notes = [(at, f"closes {text}") for at, text in reversed(closing.items()) if at != last.source_at]
    help = "take it away: only values with ticks can be read a tick late, and no field brings ticks"
    if timed:
        what = "take it away, or, among values with ticks, read the one" if not others else "among values with ticks, read those"
        help = f"{what} of a tick ago: {_late(sorted((path[-1] for path in cycles), key=tangle.edges.index))}"
    headline = f"these nodes wait for each other: {shown[0]}"
    report.add("undelayed-cycle", headline, at=last.at, label="this edge closes the cycle", notes=notes, help=help)


def _comes_again(path: list[Edge], tangle: Tangle, flat: Flat, timed: bool) -> bool:
    """Whether a cycle is a chain that comes to a node again where a second one of its kind is meant: it could not read both values."""
    node = flat.nodes[path[-1].target.name]
    alone = not timed or (node.config is not None and node.config.inputs != "many" and node.name in tangle.entered)
    return alone and len(path) > 1 and len({edge.at.path for edge in path}) == 1 and path[-1].at.path[:1] == ("edges",)


def _report_again(closing: Sequence[Edge], flat: Flat, report: Report) -> None:
    """A chain that comes to nodes again, with a node for each place of it."""
    at = closing[0].at.path
    hops = [edge for edge in flat.edges if edge.at.path == at]
    names = {place.start or 0: end.name for edge in hops for place, end in ((edge.source_at, edge.source), (edge.target_at, edge.target))}
    joined = {(edge.source_at.start, edge.target_at.start) for edge in hops}
    text, nodes, before = "", [], None
    for start in sorted(names):
        name = names[start]
        count = sum(names[other] == name for other in names if other <= start)
        own = name if count == 1 else f"{name}_{count}"
        node = flat.nodes.get(name)
        if count > 1 and node is not None and node.config is not None:
            nodes.append(f"`{own}: {written({'type': node.config.type_name(), **node.config.options()}, 200)}`")
        text += own if before is None else f"{' -> ' if (before, start) in joined else ', '}{own}"
        before = start
    first = min(closing, key=lambda edge: edge.target_at.start or 0)
    report.add(
        "undelayed-cycle",
        f"this chain comes to `{first.target.name}` again, and a node is one place of the graph",
        at=first.target_at,
        help=f"write a node for each place: {' and '.join(nodes)} under `nodes`, and the edge `{text}`",
    )


def _shown(path: list[Edge]) -> str:
    return " -> ".join([path[0].source.name, *(edge.target.name for edge in path)])


MANY = 16
"""Edges that close cycles; where there are more, they are shown one at a time."""


def _cycles(group: Sequence[str], edges: tuple[Edge, ...], entered: Collection[str], late: Collection[str]) -> Iterator[list[Edge]]:
    """Cycles, each ending with the edge that closes it, without which the next is looked for; at most `MANY` and one.

    What leaves a choice closes a cycle, or comes back to where the cycle is entered, or stands last.
    """
    places = {id(edge): at for at, edge in enumerate(edges)}

    def closes(edge: Edge) -> tuple[bool, bool, int]:
        return edge.source.name in late, edge.target.name in entered, places[id(edge)]

    for _ in range(MANY + 1):
        part = next((pair for pair in strong(group, edges) if pair[1]), None)
        if part is None:
            return
        path = shortest_cycle(*part)
        closing = max(range(len(path)), key=lambda at: closes(path[at]))
        yield path[closing + 1 :] + path[: closing + 1]
        edges = tuple(edge for edge in edges if edge is not path[closing])


def _late(edges: Sequence[Edge]) -> str:
    """How the same is read a tick late: in edges, or where formulas name it."""
    targets: dict[str, list[str]] = {}
    texts = []
    for edge in edges:
        if edge.at.path[-1:] == ("is",):
            texts.append(f"write `prev({edge.source.value.rpartition('/')[2]})` in the formula of `{edge.target.name}`")
        else:
            targets.setdefault(edge.source.name, []).append(edge.target.name)
    texts += [f"`prev({source}) -> {', '.join(names)}`" for source, names in targets.items()]
    return " and ".join(texts)
