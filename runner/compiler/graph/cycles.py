"""Loops, energy networks, undelayed cycles, and the order of nodes: what follows from the edges alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.text.diagnostic import Report


@dataclass(frozen=True, slots=True)
class Loop:
    """Nodes that reach each other through at least one delayed edge, in the order of the spec."""

    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]
    """The edges inside the loop."""


@dataclass(frozen=True, slots=True)
class EnergyNet:
    """Groups of units joined by symmetric edges, in the order of the spec."""

    groups: tuple[str, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """What the forward edges say of the order in which nodes run."""

    nodes: tuple[str, ...]
    """Every node after what it reads, the nodes of a loop together; none that stands on an undelayed cycle."""
    loops: tuple[Loop, ...]
    stuck: frozenset[str]
    """Nodes of an undelayed cycle."""


def order(names: Iterable[str], edges: Iterable[Edge], report: Report, late: Collection[str] = ()) -> Order:
    """The order of nodes; where they wait for each other, a finding. `late` are nodes that are meant to be read late, as a choice is."""
    places = {name: place for place, name in enumerate(names)}
    edges = list(edges)
    inner = [edge for edge in edges if edge.source.name in places]
    nodes: list[str] = []
    loops: list[Loop] = []
    stuck: set[str] = set()
    for group, inside in _groups(places, inner):
        if not inside:
            nodes += group
            continue
        undelayed = [edge for edge in inside if not edge.source.delay]
        for part, cycle in _groups(sorted(group, key=places.__getitem__), undelayed):
            if cycle:
                entered = {edge.target.name for edge in edges if edge.source.name not in part}
                _report_cycle(part, cycle, entered, late, report)
                stuck |= set(part)
            else:
                nodes += part
        if stuck.isdisjoint(group):
            loops.append(Loop(tuple(sorted(group, key=places.__getitem__)), inside))
    return Order(tuple(nodes), tuple(loops), frozenset(stuck))


def energy_nets(names: Iterable[str], edges: Sequence[Edge]) -> tuple[EnergyNet, ...]:
    """The groups of nodes that symmetric edges join."""
    joined: dict[str, list[str]] = {}
    for edge in edges:
        joined.setdefault(edge.source.name, []).append(edge.target.name)
        joined.setdefault(edge.target.name, []).append(edge.source.name)
    places = {name: place for place, name in enumerate(names) if name in joined}
    groups = components(places, joined)
    return tuple(EnergyNet(tuple(sorted(group, key=places.__getitem__)), inside) for group, inside in _with_edges(groups, edges))


def components(names: Iterable[str], reads: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Strongly connected components, each after those it reads. Source: Tarjan 1972, without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    held: set[str] = set()
    stack: list[str] = []
    result: list[list[str]] = []
    work: list[tuple[str, Iterator[str]]] = []

    def enter(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        held.add(name)
        work.append((name, iter(reads.get(name, ()))))

    for root in names:
        if root not in index:
            enter(root)
        while work:
            name, rest = work[-1]
            for other in rest:
                if other not in index:
                    enter(other)
                    break
                if other in held:
                    low[name] = min(low[name], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    group: list[str] = []
                    while not group or group[-1] != name:
                        group.append(stack.pop())
                    held -= set(group)
                    result.append(group[::-1])
    return result


def _groups(names: Iterable[str], edges: Sequence[Edge]) -> list[tuple[list[str], tuple[Edge, ...]]]:
    """Strongly connected components with the edges inside each, every one after those it reads."""
    reads: dict[str, list[str]] = {}
    for edge in edges:
        reads.setdefault(edge.target.name, []).append(edge.source.name)
    return _with_edges(components(names, reads), edges)


def _with_edges(groups: list[list[str]], edges: Iterable[Edge]) -> list[tuple[list[str], tuple[Edge, ...]]]:
    number = {name: place for place, group in enumerate(groups) for name in group}
    inside: list[list[Edge]] = [[] for _ in groups]
    for edge in edges:
        if number[edge.source.name] == number[edge.target.name]:
            inside[number[edge.source.name]].append(edge)
    return [(group, tuple(held)) for group, held in zip(groups, inside, strict=True)]


def _report_cycle(group: list[str], edges: tuple[Edge, ...], entered: Collection[str], late: Collection[str], report: Report) -> None:
    """One finding for what closes cycles, as one who forgets `prev` forgets it everywhere."""
    cycles = list(_cycles(group, edges, entered, late))
    cycles = cycles if len(cycles) <= MANY else cycles[:1]
    first, *others = cycles
    shown = [" -> ".join([path[0].source.name, *(edge.target.name for edge in path)]) for path in cycles]
    last = first[-1]
    closing = {path[-1].source_at: text for path, text in zip(others[::-1], shown[:0:-1], strict=True)}
    notes = [(at, f"closes {text}") for at, text in reversed(closing.items()) if at != last.source_at]
    what = "take it away, or, among values with ticks, read the one" if not others else "among values with ticks, read those"
    report.add(
        "undelayed-cycle",
        f"these nodes wait for each other: {shown[0]}",
        at=last.at,
        label="this edge closes the cycle",
        notes=notes,
        help=f"{what} of a tick ago: {_late(sorted((path[-1] for path in cycles), key=edges.index))}",
    )


MANY = 16
"""Edges that close cycles; where there are more, they are shown one at a time."""


def _cycles(group: list[str], edges: tuple[Edge, ...], entered: Collection[str], late: Collection[str]) -> Iterator[list[Edge]]:
    """Cycles, each ending with the edge that closes it, without which the next is looked for; at most `MANY` and one.

    What leaves a choice closes a cycle, or comes back to where the cycle is entered, or stands last.
    """
    places = {id(edge): at for at, edge in enumerate(edges)}

    def closes(edge: Edge) -> tuple[bool, bool, int]:
        return edge.source.name in late, edge.target.name in entered, places[id(edge)]

    for _ in range(MANY + 1):
        part = next((pair for pair in _groups(group, edges) if pair[1]), None)
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


def shortest_cycle(group: list[str], edges: Iterable[Edge]) -> list[Edge]:
    """A cycle with the fewest edges, by breadth-first search; in a large group, of those through its first nodes."""
    leaving: dict[str, list[Edge]] = {}
    for edge in edges:
        leaving.setdefault(edge.source.name, []).append(edge)
    best: list[Edge] = []
    for start in sorted(group)[:100]:
        came: dict[str, Edge] = {}
        queue = deque([start])
        while queue and start not in came:
            for edge in leaving[queue.popleft()]:
                if edge.target.name not in came:
                    came[edge.target.name] = edge
                    queue.append(edge.target.name)
        path = [came[start]]
        while path[-1].source.name != start:
            path.append(came[path[-1].source.name])
        if not best or len(path) < len(best):
            best = path[::-1]
    return best
