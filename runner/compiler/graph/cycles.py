"""Loops, energy networks, undelayed cycles, and the order of nodes: what follows from the edges alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nnrun.runner.compiler.language.edges import Edge


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
class Tangle:
    """Nodes that wait for each other."""

    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]
    """The edges without delay between them."""
    entered: frozenset[str]
    """Those of them that something else feeds."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the forward edges say of the order in which nodes run."""

    nodes: tuple[str, ...]
    """Every node after what it reads, the nodes of a loop together; none that stands on an undelayed cycle."""
    loops: tuple[Loop, ...]
    tangles: tuple[Tangle, ...] = ()
    """Undelayed cycles."""

    @property
    def stuck(self) -> frozenset[str]:
        """Nodes of an undelayed cycle."""
        return frozenset(name for tangle in self.tangles for name in tangle.nodes)


def order(names: Iterable[str], edges: Iterable[Edge]) -> Order:
    """The order of nodes, as far as they do not wait for each other."""
    places = {name: place for place, name in enumerate(names)}
    edges = list(edges)
    inner = [edge for edge in edges if edge.source.name in places]
    nodes: list[str] = []
    loops: list[Loop] = []
    tangles: list[Tangle] = []
    for group, inside in strong(places, inner):
        if not inside:
            nodes += group
            continue
        undelayed = [edge for edge in inside if not edge.source.delay]
        before = len(tangles)
        for part, cycle in strong(sorted(group, key=places.__getitem__), undelayed):
            if cycle:
                entered = frozenset(edge.target.name for edge in edges if edge.source.name not in part)
                tangles.append(Tangle(tuple(part), cycle, entered))
            else:
                nodes += part
        if len(tangles) == before:
            loops.append(Loop(tuple(sorted(group, key=places.__getitem__)), inside))
    return Order(tuple(nodes), tuple(loops), tuple(tangles))


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


def strong(names: Iterable[str], edges: Sequence[Edge]) -> list[tuple[list[str], tuple[Edge, ...]]]:
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
