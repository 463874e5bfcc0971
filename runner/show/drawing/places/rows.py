"""Which things stand in which row: what is read above what reads it, as far as cycles let."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from nnrun.runner.compiler.graph.cycles import components

Pair = tuple[str, str]


def rows_of(names: Sequence[str], edges: Iterable[Pair], late: Iterable[Pair], fed: Collection[str] = ()) -> dict[str, int]:
    """The row of each thing, from 0; `late` edges count only where they close no cycle.

    A thing that reads nothing stands right over the first that reads it, but for those that are `fed` from elsewhere.
    """
    falling = list(dict.fromkeys(pair for pair in edges if pair[0] != pair[1]))
    delayed = list(dict.fromkeys(pair for pair in late if pair[0] != pair[1]))
    group = _groups(names, [*falling, *delayed])
    falling += [(source, target) for source, target in delayed if group[source] != group[target]]
    below = _without_cycles(names, falling)
    order = _topological(names, below)
    rows = dict.fromkeys(names, 0)
    for name in order:
        for target in below[name]:
            rows[target] = max(rows[target], rows[name] + 1)
    reading = {target for _, target in (*falling, *delayed)}.union(fed)
    for name in names:
        if name not in reading and below[name]:
            rows[name] = min(rows[target] for target in below[name]) - 1
    return rows


def _groups(names: Sequence[str], edges: Iterable[Pair]) -> dict[str, int]:
    """By thing, the number of its strongly connected component."""
    leaving: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        leaving[source].append(target)
    return {name: number for number, group in enumerate(components(names, leaving)) for name in group}


def _without_cycles(names: Sequence[str], edges: Iterable[Pair]) -> dict[str, list[str]]:
    """By thing, those below it, without the edges that come back to where a walk in the order of `names` has come from."""
    leaving: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        leaving[source].append(target)
    kept: dict[str, list[str]] = {name: [] for name in names}
    done: set[str] = set()
    for root in names:
        walk, way = [(root, iter(leaving[root]))], {root}
        if root in done:
            continue
        while walk:
            name, rest = walk[-1]
            for target in rest:
                if target in way:
                    continue
                kept[name].append(target)
                if target not in done:
                    walk.append((target, iter(leaving[target])))
                    way.add(target)
                    break
            else:
                walk.pop()
                way.discard(name)
                done.add(name)
    return kept


def _topological(names: Sequence[str], below: Mapping[str, Sequence[str]]) -> list[str]:
    waiting = dict.fromkeys(names, 0)
    for targets in below.values():
        for target in targets:
            waiting[target] += 1
    order = [name for name in names if not waiting[name]]
    for name in order:  # grows while it is read
        for target in below[name]:
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    return order
