"""What a run that was broken off has said already, and says once more when it goes on: it is recorded once."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from nnrun.runner.tracking.journal import Entry, read_lines

T = TypeVar("T")

CLOCK = "system/"
"""Figures of the clock begin so: they are never the same twice."""


@dataclass
class Before:
    """What was said after the point from which a training starts again."""

    name: str | None = None
    """What the run is called."""
    figures: dict[tuple[str, int], deque[tuple[int, float]]] = field(default_factory=dict)
    """By key and step, as (number of the entry, value) in the order in which they were said; what is said again is taken off."""
    pictures: dict[tuple[str, int], deque[int]] = field(default_factory=dict)
    """The numbers of their entries, likewise."""
    differing: dict[str, int] = field(default_factory=dict)
    """Figures that were not the same the second time, and at which step first."""

    @staticmethod
    def of(journal: Path, after: int) -> Before:
        """By a journal; what was said up to entry `after` is not said again."""
        before = Before()
        for entry in entries(journal):
            if entry.what == "open":
                before.name = entry.fields["name"]
            elif entry.what == "metrics" and entry.sequence > after:
                for key, value in entry.fields["values"].items():
                    before.figures.setdefault((key, entry.fields["step"]), deque()).append((entry.sequence, value))
            elif entry.what == "image" and entry.sequence > after:
                before.pictures.setdefault((entry.fields["key"], entry.fields["step"]), deque()).append(entry.sequence)
        return before

    def without_known(self, step: int, values: Mapping[str, float]) -> dict[str, float]:
        """Figures that were not said before; those that were are compared."""
        new = {}
        for key, value in values.items():
            said = _next(self.figures, (key, step))
            if said is None:
                new[key] = value
                continue
            _, first = said
            if not (first == value or (math.isnan(first) and math.isnan(value)) or key.startswith(CLOCK)):
                self.differing.setdefault(key, step)
        return new

    def has_picture(self, key: str, step: int) -> bool:
        """Whether a picture was kept before."""
        return _next(self.pictures, (key, step)) is not None

    def reached(self, sequence: int) -> int:
        """Up to which entry of `sequence` the training has come: short of the first that it will say again."""
        ahead = [said[0] for said, *_ in self.figures.values()] + [first for first, *_ in self.pictures.values()]
        return min(ahead, default=sequence + 1) - 1


def _next(known: dict[tuple[str, int], deque[T]], place: tuple[str, int]) -> T | None:
    """Take off what was said first at a key and step. Steps of a key only rise, but for 0: what lies before will not be said again."""
    for behind in [one for one in known if one[0] == place[0] and 0 < one[1] < place[1]]:
        del known[behind]
    if place not in known:
        return None
    first = known[place].popleft()
    if not known[place]:
        del known[place]
    return first


def entries(journal: Path, up_to: int | None = None) -> Iterator[Entry]:
    """The entries of a journal that are intact, up to a number."""
    for line in read_lines(journal):
        if line.entry is not None:
            if up_to is not None and line.entry.sequence > up_to:
                return
            yield line.entry
