"""What differs between two specs, for people and as plain values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from nnrun.registry.shape import Axis
from nnrun.runner.compiler.diff.difference import Difference
from nnrun.runner.compiler.diff.side import Link
from nnrun.runner.compiler.diff.values import Change
from nnrun.runner.compiler.resolved import plain
from nnrun.runner.compiler.text.words import written

Line = tuple[str, str]
"""A sign, `+`, `-`, `~`, `=` or none, and a text."""

Paint = Callable[[str, str], str]
"""A text and its sign -> the text in the sign's colour."""

LONGEST = 2000
"""Characters of a value."""

WORDS = {"~": "", "+": "with ", "-": "without "}
"""What stands before the options of a thing that have changed, are new or are gone."""


def difference_text(difference: Difference, paint: Paint = lambda text, sign: text) -> str:
    """What differs, in groups; a line that only says so where nothing does."""
    parts = ["no difference but names\n" if difference.renamed else "no difference\n"] if difference.same else []
    for title, lines in _groups(difference):
        painted = [paint(f"{sign} {text}", sign) for sign, text in lines]
        parts += ["".join(f"{line}\n" for line in (title, *(f"  {line}" for line in painted)))] if painted else []
    return "\n".join(parts)


def as_dict(difference: Difference) -> dict[str, Any]:
    """The same as plain values."""
    edges: dict[str, list[Any]] = {"added": [], "gone": [], "changed": []}
    for edge in difference.edges:
        ends = [str(link) for link in (edge.before, edge.after) if link is not None]
        edges[edge.mark].append(ends[0] if len(ends) == 1 else {"before": ends[0], "after": ends[1]})
    return {
        "same": difference.same,
        "graph": {"before": difference.hashes[0], "after": difference.hashes[1]},
        "renamed": dict(difference.renamed),
        "nodes": [_plain(change) for change in (*difference.nodes, *difference.orders)],
        "edges": edges,
        **{section: [_plain(change) for change in difference.settings.get(section, ())] for section in SECTIONS},
        "types": [_plain(change) for change in difference.types],
        "parameters": {"before": difference.size[0], "after": difference.size[1], "nodes": [_plain(change) for change in difference.sizes]},
    }


SECTIONS = ("training", "metrics", "data", "decoding", "tracking")


def _groups(difference: Difference) -> Iterator[tuple[str, Iterable[Line]]]:
    yield "names", [("=", f"{name} is now {meant}") for name, meant in _renamed(difference.renamed)]
    yield "nodes", _nodes((*difference.nodes, *difference.orders))
    yield "edges", _edges(difference)
    for section in SECTIONS:
        yield section, _settings(difference.settings.get(section, ()))
    yield "size", () if difference.same else _size(difference)


def _renamed(names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is renamed; of a block that is used under another name, that name, and what is called otherwise within it."""
    uses: dict[str, set[str]] = {}
    for name, meant in names.items():
        uses.setdefault(name.rpartition("/")[0], set()).add(meant.rpartition("/")[0])
    told = set()
    for name, meant in names.items():
        (use, _, inner), (other, _, called) = name.rpartition("/"), meant.rpartition("/")
        together = use != other and use != "" and other != "" and len(uses[use]) == 1
        if together and use not in told:
            told.add(use)
            yield use, other
        if not together or inner != called:
            yield name, meant


def _nodes(changes: Sequence[Change]) -> Iterator[Line]:
    """What is new or gone on a line each, and all that has changed of a node on one line."""
    for name in dict.fromkeys(change.path[0] for change in changes):
        yield _line([change for change in changes if change.path[0] == name], 1)


def _settings(changes: Sequence[Change]) -> Iterator[Line]:
    """A line for each, but one for all that has changed of what is of another type now."""
    other = [change.path[:-1] for change in changes if change.path[-1] == "type"]
    parents = [next((path for path in other if change.path[: len(path)] == path), change.path) for change in changes]
    for parent in dict.fromkeys(parents):
        yield _line([change for change, path in zip(changes, parents, strict=True) if path == parent], len(parent))


def _line(changes: Sequence[Change], depth: int) -> Line:
    """Changes of one thing, whose path has that depth."""
    where = ".".join(changes[0].path[:depth])
    whole = next((change for change in changes if len(change.path) == depth), None)
    if whole is not None:
        return whole.sign, f"{where}: {_step(whole)}"
    texts: dict[str, list[str]] = {sign: [] for sign in WORDS}
    for change in changes:
        path = change.path[depth:]
        texts[change.sign].append(_step(change) if path == ("type",) else f"{'.'.join(path)}: {_step(change)}")
    return "~", f"{where}: " + ", ".join(word + ", ".join(texts[sign]) for sign, word in WORDS.items() if texts[sign])


def _step(change: Change) -> str:
    return " -> ".join(_value(value) for value in (change.before, change.after) if value is not None)


def _edges(difference: Difference) -> Iterator[Line]:
    for edge in difference.edges:
        if edge.mark == "changed":
            yield "~", f"{edge.before} becomes {edge.after}"
    for sign, links in (
        ("-", [edge.before for edge in difference.edges if edge.mark == "gone" and edge.before]),
        ("+", [edge.after for edge in difference.edges if edge.mark == "added" and edge.after]),
    ):
        yield from ((sign, text) for text in chains(links))


def chains(links: Sequence[Link]) -> list[str]:
    """Edges as a spec would write them: `embed, prev(h) -> i, f, o, g`, `h -> final -> drop`."""
    symmetric = [str(link) for link in links if link.kind == "symmetric"]
    read: dict[str, list[str]] = {}
    for link in links:
        if link.kind == "forward":
            read.setdefault(str(link.target), []).append(str(link.source))
    fed: dict[tuple[str, ...], list[str]] = {}
    for target, sources in read.items():
        fed.setdefault(tuple(sources), []).append(target)
    after = {sources: tuple(targets) for sources, targets in fed.items()}
    inner = set(after.values()) & after.keys()
    starts = [sources for sources in after if sources not in inner] or list(after)
    texts, done = [], set()
    for start in [*starts, *after]:
        chain = [start] if start not in done else []
        while chain and chain[-1] in after and chain[-1] not in done:
            done.add(chain[-1])
            chain.append(after[chain[-1]])
        texts += [" -> ".join(", ".join(group) for group in chain)] if chain else []
    return texts + symmetric


def _size(difference: Difference) -> Iterator[Line]:
    for change in difference.types:
        yield "~", f"{change.path[0]} gives {change.before} -> {change.after}"
    for change in (*difference.sizes, Change(("parameters",), *difference.size)):
        if change.before != change.after:
            yield "~", f"{change.path[0]}: {_count(change.before)} -> {_count(change.after)}{_more(change.before, change.after)}"


def _more(before: Axis, after: Axis) -> str:
    """By how much a size differs, if that is a number."""
    if isinstance(before, int) and isinstance(after, int):
        return f" ({after - before:+,})"
    (words, number), (others, another) = (_parted(size) for size in (before, after))
    return f" ({another - number:+,})" if words == others else ""


def _parted(size: Axis) -> tuple[str, int]:
    """`64*text+99074` as its words and its number."""
    words, _, number = str(size).rpartition("+")
    return (words, int(number)) if number.isdecimal() else (str(size), 0)


def _value(value: Any) -> str:
    return written(plain(value), LONGEST)


def _count(size: Axis) -> str:
    return re.sub(r"(?<![\w])\d+(?!\w)", lambda found: f"{int(found.group()):,}", str(size).replace("+", " + "))


def _plain(change: Change) -> dict[str, Any]:
    return {"path": ".".join(change.path), "before": plain(change.before), "after": plain(change.after)}
