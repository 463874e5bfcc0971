"""A spec as plain values, and where in which text each of them stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from nnrun.runner.compiler.text.diagnostic import Path, Place

FARTHEST = 10_000
"""Characters into a text that goes over several lines, up to which a finding points at a part of it; beyond, at the whole."""


@dataclass(frozen=True)
class Text:
    """A named text that spans point into: a file, standard input, or a `--set`."""

    name: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines() or [""]


@dataclass(frozen=True, slots=True)
class Span:
    """Lines and columns, counted from 1; the end is exclusive."""

    text: Text
    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def where(self) -> str:
        """`specs/lenet.yaml:14:3`."""
        return f"{self.text.name}:{self.line}:{self.column}"


@dataclass
class Document:
    """What a YAML text holds. `spans` is keyed by (path, "key", "value" or "alias")."""

    value: Any
    text: Text
    spans: dict[tuple[Path, str], Span] = field(default_factory=dict)

    def span(self, place: Place) -> Span:
        """Where a place is; the nearest thing around it, where it is not written down itself."""
        span = self._nearest(place)
        value = self.at(place.path)
        if place.start is None or place.end is None or not isinstance(value, str) or place.end > len(value) or value.startswith("$"):
            return span  # the characters of what starts with `$` are those of a block's parameter
        if span.line == span.end_line:
            shift = span.text.lines[span.line - 1][span.column - 1 : span.end_column - 1].find(value)
            if shift >= 0:
                start = span.column + shift
                return Span(span.text, span.line, start + place.start, span.line, start + max(place.end, place.start + 1))
        return _within(span, value, place.start, place.end) or span

    def _nearest(self, place: Place) -> Span:
        path = place.path
        if (path, place.part) in self.spans:
            return self.spans[path, place.part]
        while path and (path, "value") not in self.spans:
            # a single value may stand where a list of one is meant, so the index is not written down
            bare = tuple(step for step in path if not isinstance(step, int))
            if (bare, place.part) in self.spans:
                return self.spans[bare, place.part]
            path = path[:-1]
        if (path, "key") in self.spans:
            return self.spans[path, "key"]
        return self.spans.get((path, "value")) or Span(self.text, 1, 1, 1, 2)

    def at(self, path: Path) -> Any:
        """The plain value at a path, or None."""
        value = self.value
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def rename(self, path: Path, key: str) -> None:
        """Take the key at a path for another one, so that what stands there is found by its right name."""
        meant = (*path[:-1], key)
        for place, part in [place for place in self.spans if place[0][: len(path)] == path]:
            self.spans[(*meant, *place[len(path) :]), part] = self.spans[place, part]
        holder = self.at(path[:-1])
        if isinstance(holder, dict) and path[-1] in holder:
            holder.setdefault(key, holder[path[-1]])


def _within(span: Span, value: str, start: int, end: int) -> Span | None:
    """Where characters `start` to `end` of a text stand that is quoted or folded over several lines; None where they are escaped."""
    places = _places(span, value[:FARTHEST])
    if start >= len(places):
        return None
    line, column = places[start]
    last = places[min(max(end, start + 1), len(places)) - 1]
    end_column = last[1] + 1 if last[0] == line else len(span.text.lines[line - 1]) + 1
    return Span(span.text, line, column, line, end_column)


@lru_cache(maxsize=4)
def _places(span: Span, value: str) -> list[tuple[int, int]]:
    """Lines and columns of the characters of a text, as far as they are written as they are."""
    places: list[tuple[int, int]] = []
    written = _characters(span, 4 * FARTHEST)
    first = next((at for at, (sign, _) in enumerate(written) if not sign.isspace() and sign not in "\"'"), len(written))
    if written[first : first + 1] and written[first][0] in "|>" and not value.startswith(written[first][0]):
        first = next((at for at, (sign, _) in enumerate(written) if sign == "\n"), len(written))
    at = first
    for sign in value:
        space = sign.isspace()
        while at < len(written) and written[at][0].isspace() and not space:
            at += 1
        if at >= len(written) or (written[at][0].isspace() != space) or (not space and written[at][0] != sign):
            break
        places.append(written[at][1])
        at += 1
        while space and at < len(written) and written[at][0].isspace():
            at += 1
    return places


def _characters(span: Span, most: int) -> list[tuple[str, tuple[int, int]]]:
    """The first characters of a span, line breaks among them, each with its line and column."""
    found: list[tuple[str, tuple[int, int]]] = []
    for line in range(span.line, min(span.end_line, len(span.text.lines)) + 1):
        text = span.text.lines[line - 1]
        first = span.column if line == span.line else 1
        last = span.end_column - 1 if line == span.end_line else len(text)
        last = min(last, first + most - len(found))
        found += [(text[column - 1], (line, column)) for column in range(first, min(last, len(text)) + 1)]
        found.append(("\n", (line, len(text) + 1)))
        if len(found) > most:
            break
    return found
