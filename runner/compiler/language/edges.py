"""The arrow language: text -> edges, each end with its place inside the text.

a -> b -> c                 a chain
x, prev(h) -> i, f          every source to every target
encoder.state -> cell.initial
prev(h, 3) -> h             three ticks ago
visible <-> hidden          one weight in both directions
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from nnrun.registry.algebra.formula import LONGEST_DELAY
from nnrun.runner.compiler.language.spec import EdgeEntry, Mask
from nnrun.runner.compiler.text.diagnostic import Path, Place, Report

MOST_EDGES = 100_000

Initial = Literal["zeros", "learned"]


@dataclass(frozen=True, slots=True)
class Reference:
    """One end of an edge. `delay` counts ticks; only a source has one."""

    name: str
    port: str | None = None
    delay: int = 0

    @property
    def value(self) -> str:
        """`node`, `node.port`, `field` or `field.next`."""
        return self.name if self.port is None else f"{self.name}.{self.port}"

    def __str__(self) -> str:
        return self.value if self.delay == 0 else f"prev({self.value})" if self.delay == 1 else f"prev({self.value}, {self.delay})"


@dataclass(frozen=True, slots=True)
class Edge:
    """A path of a value between two nodes."""

    source: Reference
    target: Reference
    kind: Literal["forward", "symmetric"]
    at: Place
    """The hop in the spec's text."""
    source_at: Place
    target_at: Place
    initial: Initial = "zeros"
    """What a delayed edge reads before the first tick."""
    mask: Mask | None = None
    """Which units a symmetric edge couples; all where left out."""

    def __str__(self) -> str:
        return f"{self.source} {'<->' if self.kind == 'symmetric' else '->'} {self.target}"

    def move(self, source: Reference | None = None, target: Reference | None = None) -> Edge:
        return replace(self, source=source or self.source, target=target or self.target)


_TOKEN = re.compile(
    r"\s*(?:(?P<arrow><->|->)|(?P<comma>,)|(?P<prev>prev\s*\()|(?P<close>\))|(?P<name>[A-Za-z_$][\w/$]*)(?:\.(?P<port>\w+))?|(?P<number>\d+)|(?P<other>\S))"
)
_WORD = re.compile(r"[A-Za-z_][\w/]*")


def mentioned(value: Any) -> set[str]:
    """All words in the texts of a value, among them the names of what it reads or feeds, however it is written."""
    if isinstance(value, str):
        return set(_WORD.findall(value))
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {word for part in parts for word in mentioned(part)}


class _Wrong(Exception):
    def __init__(self, message: str, start: int, end: int, help: str = "") -> None:
        super().__init__(message)
        self.message, self.start, self.end, self.help = message, start, end, help


@dataclass(frozen=True, slots=True)
class _Term:
    reference: Reference
    start: int
    end: int


def parse_edges(text: str, path: Path, report: Report, initial: Initial = "zeros") -> list[Edge] | None:
    """The edges of one entry; at the first thing that is not of the language, a finding and None."""
    try:
        groups, arrows = _groups(text)
    except _Wrong as wrong:
        wrong = _with_form(text, wrong)
        report.add("bad-edge", wrong.message, at=Place(path, start=wrong.start, end=wrong.end), help=wrong.help)
        return None
    if sum(len(sources) * len(targets) for sources, targets in pairwise(groups)) > MOST_EDGES:
        report.add("too-large", f"an entry makes at most {MOST_EDGES} edges, this one more", at=path)
        return None
    edges = [
        _edge(source, target, arrow, path, initial)
        for (sources, targets), arrow in zip(pairwise(groups), arrows, strict=True)
        for source in sources
        for target in targets
    ]
    if initial != "zeros" and not any(edge.source.delay for edge in edges):
        at = Place((*path[:-1], "initial"))
        report.add("bad-edge", "`initial` belongs to a delayed edge, and this one has no `prev()`", at=at)
    return edges


def _with_form(text: str, wrong: _Wrong) -> _Wrong:
    """What is wrong with a text, with the whole edge in the right form, where that can be told."""
    from nnrun.runner.compiler.language.advice.edge_forms import right_form

    parts = [part.strip() for part in text.split(";") if part.strip()]
    if len(parts) > 1 and all("->" in part for part in parts):
        at = text.index(";")
        return _Wrong("each edge has a line of its own, got `;`", at, at + 1, f"write {' and '.join(f'`- {part}`' for part in parts)}")
    form = right_form(text)
    if form is None:
        return wrong
    try:
        _groups(form.text)
    except _Wrong:
        return wrong
    help = f"write `{form.text}`"
    if not form.message:
        start, end = (form.start, form.end) if form.end else (wrong.start, wrong.end)
        return _Wrong(wrong.message, start, end, help)
    return _Wrong(form.message, form.start, form.end, help)


def masked(edges: list[Edge] | None, entry: EdgeEntry, path: Path, report: Report) -> list[Edge] | None:
    """The edges of an entry, with its mask."""
    if edges is None or entry.mask is None:
        return edges
    if any(edge.kind != "symmetric" for edge in edges):
        report.add("bad-edge", "`mask` belongs to a symmetric edge `<->`, and this one is none", at=Place((*path, "mask")))
    return [replace(edge, mask=entry.mask) for edge in edges]


def _edge(source: _Term, target: _Term, arrow: str, path: Path, initial: Initial) -> Edge:
    at, source_at, target_at = (
        Place(path, start=start.start, end=end.end) for start, end in ((source, target), (source, source), (target, target))
    )
    kind: Literal["forward", "symmetric"] = "symmetric" if arrow == "<->" else "forward"
    return Edge(source.reference, target.reference, kind, at, source_at, target_at, initial if source.reference.delay else "zeros")


def _groups(text: str) -> tuple[list[list[_Term]], list[str]]:
    """Terms between the arrows, and the arrows."""
    tokens = [match for match in _TOKEN.finditer(text) if match.lastgroup]
    groups: list[list[_Term]] = [[]]
    arrows: list[str] = []
    position = 0

    def place(index: int) -> tuple[int, int]:
        if index >= len(tokens):
            return max(0, len(text.rstrip()) - 1), len(text.rstrip())
        match = tokens[index]
        return match.start() + len(match.group()) - len(match.group().lstrip()), match.end()

    while True:
        term, position = _term(tokens, position, place)
        groups[-1].append(term)
        if position == len(tokens):
            break
        token = tokens[position]
        if token["arrow"]:
            arrows.append(token["arrow"])
            groups.append([])
        elif not token["comma"]:
            given = token.group().strip()
            raise _Wrong(f"`->`, `<->` or a comma was expected, got `{given}`", *place(position), "an edge is written `a -> b`")
        position += 1
    if not arrows:
        raise _Wrong(f"an edge has an arrow, got `{text.strip()}`", 0, len(text), "write `a -> b`, `prev(a) -> b` or `a <-> b`")
    for number, group in enumerate(groups):
        for term in group:
            if term.reference.delay and number > 0:
                message = f"`{term.reference}` stands where an edge ends, and `prev()` only reads"
                raise _Wrong(message, term.start, term.end, "write the delayed edge as an entry of its own")
            if term.reference.delay and arrows[0] == "<->":
                raise _Wrong("a symmetric edge has no delay", term.start, term.end, "write `a <-> b`")
    return groups, arrows


def _term(tokens: list[re.Match[str]], position: int, place: Callable[[int], tuple[int, int]]) -> tuple[_Term, int]:
    where = place(position)
    if position >= len(tokens):
        raise _Wrong("the edge ends where a name was expected", *where, "an edge is written `a -> b`")
    token = tokens[position]
    if token["prev"]:
        if position + 1 < len(tokens) and tokens[position + 1]["prev"]:
            raise _Wrong("`prev()` stands inside `prev()`", *place(position + 1), "`prev(name, 2)` reads the value of two ticks ago")
        inner, after = _term(tokens, position + 1, place)
        delay = 1
        if after + 1 < len(tokens) and tokens[after]["comma"] and tokens[after + 1]["number"]:
            number = tokens[after + 1]["number"]
            delay = int(number) if len(number) < 10 else LONGEST_DELAY + 1  # int() takes no more than 4300 digits
            if not 1 <= delay <= LONGEST_DELAY:
                raise _Wrong(f"a delay is a whole number of ticks from 1 to {LONGEST_DELAY}, got {number}", *place(after + 1))
            after += 2
        if after >= len(tokens) or not tokens[after]["close"]:
            help = "write `prev(name)` or `prev(name, ticks)`"
            close = next((at for at in range(after, len(tokens)) if tokens[at]["close"]), None)
            if close is not None:
                raise _Wrong("`prev` takes a name and, if it is not 1, a delay in whole ticks", where[0], tokens[close].end(), help)
            if after >= len(tokens):
                help = 'between { } an edge that holds a comma stands in quotes: `{edge: "prev(h, 3) -> h"}`'
            raise _Wrong("`prev(` is not closed", where[0], place(after)[1], help)
        return _Term(replace(inner.reference, delay=delay), where[0], tokens[after].end()), after + 1
    if not token["name"]:
        raise _Wrong(f"a name was expected, got `{token.group().strip()}`", *where, "an edge is written `a -> b`")
    if token["port"] in ("prev", "previous"):
        raise _Wrong("a value of an earlier tick is no port", *where, f"write `prev({token['name']})`")
    return _Term(Reference(token["name"], token["port"]), *where), position + 1
