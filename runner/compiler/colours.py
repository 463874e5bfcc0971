"""Colours of the vertices of a graph, by what they are and how they are joined: equal where graphs are equal.

Source: Weisfeiler and Leman 1968, The reduction of a graph to canonical form.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nnrun.runner.compiler.graph.cycles import components

MOST = 200_000
"""Vertices that are looked at until it is enough, each time anew: a second. What a larger loop holds is then told apart less well."""

By = Literal["all", "sources", "targets"]
"""Which neighbours count."""


@dataclass(frozen=True)
class Meaning:
    """A graph whose vertices are told apart by what they are and how they are joined. Names are handles, and mean nothing.

    Vertices are the nodes and fields, and under names that no node can have the parts of formulas and what is judged.
    """

    own: Mapping[str, str]
    """By vertex, what it is by itself."""
    relations: Mapping[tuple[str, str], str]
    """By source and target, all that the target has from the source."""


def coloured(meaning: Meaning, sweeps: int = 0, by: By = "all") -> tuple[dict[str, str], int]:
    """The colour of each vertex, and how often all were gone through: at least `sweeps` times.

    Two vertices, also of two graphs that were gone through equally often, have one colour if what they are and all that they are
    joined with looks the same; by `sources`, all that they are computed from; by `targets`, all that is made of them. A sweep goes down
    along the edges and up again, so that it sees through the longest chain.
    """
    incoming, outgoing = _both_ways(meaning)
    groups = components(meaning.own, {name: [source for _, source in held] for name, held in incoming.items()})
    group_of = {name: number for number, group in enumerate(groups) for name in group}
    depths: list[int] = []
    for number, group in enumerate(groups):
        below = {group_of[source] for name in group for _, source in incoming[name]} - {number}
        depths.append(1 + max((depths[other] for other in below), default=-1))
    levels: dict[int, list[str]] = defaultdict(list)
    for depth, group in zip(depths, groups, strict=True):
        levels[depth] += group
    colour = {name: digest(meaning.own[name], str(len(groups[group_of[name]]))) for name in meaning.own}
    down, up = (incoming, sorted(levels)), (outgoing, sorted(levels, reverse=True))
    ways = {"all": (down, up), "sources": (down,), "targets": (up,)}[by]
    done = count = 0
    most = max(2, MOST // max(1, len(colour)))
    while done < sweeps or (done < most and len(set(colour.values())) > count) or not done:
        count = len(set(colour.values()))
        for joined, order in ways:
            for depth in order:
                colour |= {name: _seen(name, joined, colour) for name in levels[depth]}
        done += 1
    return colour, done


def nearby(meaning: Meaning, reach: int) -> list[dict[str, str]]:
    """Colours by what each vertex is joined with over 0, 1, … up to `reach` edges."""
    incoming, outgoing = _both_ways(meaning)
    found = [{name: digest(own) for name, own in meaning.own.items()}]
    for _ in range(reach):
        last = found[-1]
        found.append({name: digest(_seen(name, incoming, last), _seen(name, outgoing, last)) for name in last})
    return found


def _both_ways(meaning: Meaning) -> tuple[dict[str, list[tuple[str, str]]], dict[str, list[tuple[str, str]]]]:
    incoming: dict[str, list[tuple[str, str]]] = {name: [] for name in meaning.own}
    outgoing: dict[str, list[tuple[str, str]]] = {name: [] for name in meaning.own}
    for (source, target), relation in meaning.relations.items():
        incoming[target].append((relation, source))
        outgoing[source].append((relation, target))
    return incoming, outgoing


def _seen(name: str, joined: Mapping[str, list[tuple[str, str]]], colour: Mapping[str, str]) -> str:
    return digest(colour[name], *sorted(relation + colour[other] for relation, other in joined[name]))


def digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
