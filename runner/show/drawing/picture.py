"""What a drawing shows: boxes, arrows between them, frames around them. It knows nothing of specs, nor of places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

BoxKind = Literal["field", "node", "sequence", "units", "loss"]

ArrowKind = Literal["forward", "delayed", "symmetric", "choice", "judged"]

FrameKind = Literal["loop", "writing", "energy", "block"]

Mark = Literal["added", "gone", "changed"]

Marks = Mapping[str | tuple[str, str], Mark]
"""By the name of a box, or by the source and target of arrows, what became of it between two graphs."""


@dataclass(frozen=True)
class Box:
    """A field, a node, or what a network is judged by."""

    name: str
    kind: BoxKind
    lines: tuple[str, ...]
    """What is written in it; the first line is its heading."""


@dataclass(frozen=True)
class Arrow:
    """An edge. Those with one source, kind and mark start as one line."""

    source: str
    target: str
    kind: ArrowKind
    label: str = ""


@dataclass(frozen=True)
class Frame:
    """A line around boxes that belong together."""

    kind: FrameKind
    title: str
    members: frozenset[str]


@dataclass(frozen=True)
class Picture:
    """Everything in the order of the spec, which decides where nothing else does."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    frames: tuple[Frame, ...] = ()
    marks: Marks = field(default_factory=dict)

    def mark(self, arrow: Arrow) -> Mark | None:
        return self.marks.get((arrow.source, arrow.target))


ARROWS: Mapping[ArrowKind, str] = {
    "forward": "is read",
    "delayed": "is read some ticks later",
    "symmetric": "one weight, both ways",
    "choice": "is chosen from",
}
"""What each kind of arrow means, for the legend."""

BOXES: Mapping[BoxKind, str] = {
    "field": "data",
    "node": "node",
    "sequence": "node that sees whole sequences",
    "units": "units with states",
    "loss": "loss and metrics",
}

MARKS: Mapping[Mark, str] = {"added": "added", "gone": "gone", "changed": "changed"}
