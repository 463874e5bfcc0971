"""What a run that was broken off has said already, and says once more when it goes on: it is recorded once."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nnrun.runner.tracking.journal import Entry, read_lines

CLOCK = "system/"
"""Figures of the clock begin so: they are never the same twice."""


@dataclass
class Before:
    """What was said after the point from which a training starts again."""

    name: str | None = None
    """What the run is called."""
    figures: defaultdict[tuple[str, int], deque[float]] = field(default_factory=lambda: defaultdict(deque))
    """By key and step, in the order in which they were said."""
    pictures: Counter[tuple[str, int]] = field(default_factory=Counter)
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
                    before.figures[key, entry.fields["step"]].append(value)
            elif entry.what == "image" and entry.sequence > after:
                before.pictures[entry.fields["key"], entry.fields["step"]] += 1
        return before

    def without_known(self, step: int, values: Mapping[str, float]) -> dict[str, float]:
        """Figures that were not said before; those that were are compared."""
        new = {}
        for key, value in values.items():
            known = self.figures.get((key, step))
            if not known:
                new[key] = value
                continue
            first = known.popleft()
            if not (first == value or (math.isnan(first) and math.isnan(value)) or key.startswith(CLOCK)):
                self.differing.setdefault(key, step)
        return new

    def has_picture(self, key: str, step: int) -> bool:
        """Whether a picture was kept before."""
        known = self.pictures[key, step] > 0
        self.pictures[key, step] -= known
        return known


def entries(journal: Path, up_to: int | None = None) -> Iterator[Entry]:
    """The entries of a journal that are intact, up to a number."""
    for line in read_lines(journal):
        if line.entry is not None:
            if up_to is not None and line.entry.sequence > up_to:
                return
            yield line.entry
