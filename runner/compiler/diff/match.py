"""Which node or field of one spec is which of another, whatever they are called."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping

from nnrun.runner.compiler.colours import By, Meaning, coloured, nearby
from nnrun.runner.compiler.diff.side import Side

REACH = 3
"""Edges over which a part of a graph is recognised in a graph that differs elsewhere."""

MOST_LEFT = 60
"""Nodes that are compared one with each, when all that is sure is matched."""


def match(one: Side, other: Side) -> dict[str, str]:
    """By node or field of one spec, that of the other.

    First what looks the same in the whole graph; then what has the same name and options; what is computed from the same in the same way,
    or read so; what looks the same nearby; what has the same name, of nodes of one type first; and last, of what is left, nodes of one
    type that share most of their neighbours.
    """
    matching = _Matching(one.meaning, other.meaning)
    matching.by_colour(*_coloured(one, other, "all"))
    for keys in ([{name: name for name in side.plan.fields} for side in (one, other)], [_columns(side) for side in (one, other)]):
        matching.by_key(*keys)
    types = [{name: node.config.type_name() for name, node in side.graph.nodes.items() if node.config} for side in (one, other)]
    near = [[_nodes(side, held) for held in nearby(side.meaning, REACH)] for side in (one, other)]
    matching.by_key(*({name: name + held[0][name] for name in names} for names, held in zip(types, near, strict=True)))
    ways: tuple[By, By] = ("sources", "targets")
    for by in ways:
        matching.by_colour(*(_nodes(side, held) for side, held in zip((one, other), _coloured(one, other, by), strict=True)))
    for reach in range(REACH, 0, -1):
        matching.by_colour(near[0][reach], near[1][reach])
    matching.by_key(*({name: f"{name} {type}" for name, type in names.items()} for names in types))
    matching.by_key(*({name: name for name in names} for names in types))
    matching.by_neighbours(*types)
    named = {*one.graph.nodes, *one.plan.fields}
    return {name: meant for name, meant in matching.pairs.items() if name in named}


def _coloured(one: Side, other: Side, by: By) -> list[dict[str, str]]:
    """Colours of both that can be compared."""
    sweeps = max(coloured(side.meaning, by=by)[1] for side in (one, other))
    return [coloured(side.meaning, sweeps, by)[0] for side in (one, other)]


def _nodes(side: Side, colours: Mapping[str, str]) -> dict[str, str]:
    """Colours of all but fields: one of another name is another column, unless all of the graph is the same."""
    return {name: colour for name, colour in colours.items() if name not in side.plan.fields}


def _columns(side: Side) -> dict[str, str]:
    """By field, of what type it is and which columns it is made of."""
    return {name: f"{config.type_name()} {config.reads(name)}" for name, config in side.plan.fields.items()}


class _Matching:
    def __init__(self, one: Meaning, other: Meaning) -> None:
        self.own = (one.own, other.own)
        self.joined = (_joined(one), _joined(other))
        self.pairs: dict[str, str] = {}
        self.taken: set[str] = set()

    def pair(self, name: str, meant: str) -> None:
        self.pairs[name] = meant
        self.taken.add(meant)

    def classes(self, one: Mapping[str, str], other: Mapping[str, str]) -> list[tuple[list[str], list[str]]]:
        """What is not matched yet and has one key in both, the clearest first."""
        found: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
        for name, key in one.items():
            if name not in self.pairs:
                found[key][0].append(name)
        for name, key in other.items():
            if name not in self.taken:
                found[key][1].append(name)
        return sorted((held for held in found.values() if all(held)), key=lambda held: max(map(len, held)))

    def by_key(self, one: Mapping[str, str], other: Mapping[str, str]) -> None:
        """Match what is alone with its key on both sides."""
        for names, meant in self.classes(one, other):
            if len(names) == len(meant) == 1:
                self.pair(names[0], meant[0])

    def by_colour(self, one: Mapping[str, str], other: Mapping[str, str]) -> None:
        """Match what has one colour. Of several, those of one name, then those that are joined with what is matched already."""
        self.follow(self.pairs, one, other)
        for names, meant in self.classes(one, other):
            for name in [name for name in names if name in meant]:
                self.choose(name, meant, one, other)
            for name in names:
                self.choose(name, meant, one, other)

    def choose(self, name: str, meant: Iterable[str], one: Mapping[str, str], other: Mapping[str, str]) -> None:
        free = [] if name in self.pairs else [it for it in meant if it not in self.taken]
        if free:
            self.pair(name, name if name in free else free[0])
            self.follow([name], one, other)

    def follow(self, names: Iterable[str], one: Mapping[str, str], other: Mapping[str, str]) -> None:
        """Match the neighbours of what is matched, where they are joined with it in the same way and have one colour."""
        queue = deque(names)
        while queue:
            name = queue.popleft()
            beside: dict[tuple[str, str], list[str]] = defaultdict(list)
            for relation, neighbour in self.joined[1].get(self.pairs[name], ()):
                if neighbour in other and neighbour not in self.taken:
                    beside[relation, other[neighbour]].append(neighbour)
            for relation, neighbour in self.joined[0].get(name, ()):
                if neighbour in self.pairs or neighbour not in one:
                    continue
                free = [meant for meant in beside[relation, one[neighbour]] if meant not in self.taken]
                if free:
                    self.pair(neighbour, neighbour if neighbour in free else free[0])
                    queue.append(neighbour)

    def by_neighbours(self, one: Mapping[str, str], other: Mapping[str, str]) -> None:
        """Match nodes of one type that share half of their neighbours or more, those that share most first."""
        left = [name for name in one if name not in self.pairs][:MOST_LEFT]
        free = [name for name in other if name not in self.taken][:MOST_LEFT]
        while True:
            seen = {name: self.neighbours(0, name, self.pairs) for name in left}
            theirs = {name: self.neighbours(1, name, {}) for name in free}
            shared = {
                (name, meant): (seen[name] & theirs[meant]).total() / max(seen[name].total(), theirs[meant].total(), 1)
                for name in left
                for meant in free
                if one[name] == other[meant]
            }
            best = max(shared, key=lambda pair: (shared[pair], self.own[0][pair[0]] == self.own[1][pair[1]]), default=None)
            if best is None or shared[best] < 0.5:
                return
            self.pair(*best)
            left.remove(best[0])
            free.remove(best[1])

    def neighbours(self, side: int, name: str, pairs: Mapping[str, str]) -> Counter[tuple[bool, str]]:
        """Whether each neighbour is read, and which it is: by its name in the other spec, or what has none, by what it is."""
        found: Counter[tuple[bool, str]] = Counter()
        for relation, neighbour in self.joined[side][name]:
            known = self.own[side][neighbour] if " " in neighbour else pairs.get(neighbour, "" if pairs else neighbour)
            found[relation.startswith("<"), known] += 1
        return found


def _joined(meaning: Meaning) -> dict[str, list[tuple[str, str]]]:
    """By vertex, how it is joined with which others: `<` what it reads, `>` what reads it."""
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in meaning.own}
    for (source, target), relation in meaning.relations.items():
        found[target].append((f"<{relation}", source))
        found[source].append((f">{relation}", target))
    return found
