"""Edges of two graphs compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from nnrun.runner.compiler.diff.side import Link, Marked, Side


def edge_marks(one: Side, other: Side, names: Mapping[str, str]) -> Iterator[Marked[Link]]:
    """All edges of both graphs. An edge that ends where another ended, and is the only one of its kind there, is that one changed."""
    before = [link.renamed(names) for link in one.links]
    there: dict[Any, list[Link]] = defaultdict(list)
    for link in other.links:
        there[link.key].append(link)
    gone = []
    for link in before:
        if there[link.key]:
            yield Marked(link, there[link.key].pop(0), "same")
        else:
            gone.append(link)
    added = [link for link in other.links if any(link is left for left in there[link.key])]
    ends: dict[Any, tuple[list[Link], list[Link]]] = defaultdict(lambda: ([], []))
    for side, links in enumerate((gone, added)):
        for link in links:
            ends[link.end][side].append(link)
    for was, now in ends.values():
        if len(was) == len(now) == 1 and was[0].target.name in names.values():
            yield Marked(was[0], now[0], "changed")
        else:
            yield from (Marked(link, None, "gone") for link in was)
            yield from (Marked(None, link, "added") for link in now)
