"""A picture made smaller: lines broken, lines left out, blocks closed where there are too many boxes to see."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from textwrap import wrap

from nnrun.runner.show.drawing.picture import Arrow, Box, Frame, Picture

MANY, MOST = 120, 600
"""Boxes: with more blocks are closed; with still more nothing is drawn."""

MOST_ARROWS = 1200
"""Of a picture: a tangle of more shows nothing, and takes long to lay out."""

LONGEST = 4
"""Lines that one text is broken into."""


HARD = "\xa0"
"""A space where no line ends."""


def narrowed(picture: Picture, columns: int, lines: int | None = None, *, short: bool = False) -> Picture:
    """The picture with so many columns of text in a box, and at most so many `lines`; `short` says `t-1` for `1 tick ago`."""
    boxes = tuple(replace(box, lines=_broken(box.lines[:lines], columns)) for box in picture.boxes)
    if not short:
        return replace(picture, boxes=boxes)
    arrows = tuple(replace(arrow, label=re.sub(r"(\d+) ticks? ago", r"t-\1", arrow.label)) for arrow in picture.arrows)
    return replace(picture, boxes=boxes, arrows=arrows)


def _broken(lines: tuple[str, ...], columns: int) -> tuple[str, ...]:
    found = []
    for place, line in enumerate(lines):
        parts = _balanced(line, columns) if place else [line]
        found += parts if len(parts) <= LONGEST else [*parts[: LONGEST - 1], f"{parts[LONGEST - 1][: columns - 1]}…"]
    return tuple(found)


def _balanced(line: str, columns: int) -> list[str]:
    """A text in as few lines as it needs, none much shorter than the others, broken behind commas if that does."""
    if all(len(part) < columns for part in line.split(", ")):
        line = re.sub(r"(?<!,) ", HARD, line)
    parts = wrap(line, columns)
    narrower = (wrap(line, fewer) for fewer in range(max(1, len(line) // (len(parts) or 1)), columns))
    best = next((found for found in narrower if len(found) <= len(parts)), parts)
    return [part.replace(HARD, " ") for part in best]


def closed(picture: Picture) -> Picture:
    """The picture as it can be seen: with too many boxes, each block is one; with still too many, one box says so."""
    if len(picture.arrows) > MOST_ARROWS:
        return _too_many(picture)
    if len(picture.boxes) <= MANY:
        return picture
    outer: list[Frame] = []
    of: dict[str, str] = {}
    for frame in sorted((frame for frame in picture.frames if frame.kind == "block"), key=lambda one: -len(one.members)):
        if frame.members.isdisjoint(of):  # else it lies in another
            of |= dict.fromkeys(frame.members, f"block:{len(outer)}")
            outer.append(frame)
    shut = set(of.values())
    boxes: dict[str, Box] = {}
    for box in picture.boxes:
        name = of.get(box.name, box.name)
        if name == box.name:
            boxes[name] = box
        elif name not in boxes:
            frame = outer[int(name.partition(":")[2])]
            boxes[name] = Box(name, "node", (frame.title, f"{len(frame.members)} nodes"))
    if len(boxes) > MOST:
        return _too_many(picture)
    ends = (replace(one, source=of.get(one.source, one.source), target=of.get(one.target, one.target)) for one in picture.arrows)
    arrows = _once(arrow for arrow in ends if arrow.source != arrow.target or arrow.source not in shut)
    frames = tuple(
        replace(frame, members=frozenset(of.get(name, name) for name in frame.members)) for frame in picture.frames if frame.kind != "block"
    )
    return replace(picture, boxes=tuple(boxes.values()), arrows=arrows, frames=frames)


def _too_many(picture: Picture) -> Picture:
    lines = (f"{len(picture.boxes):,} nodes, {len(picture.arrows):,} edges", "too many for a picture", "`nnrun show` lists them")
    return replace(picture, boxes=(Box("all", "node", lines),), arrows=(), frames=())


def _once(arrows: Iterable[Arrow]) -> tuple[Arrow, ...]:
    """Arrows without those that differ from an earlier one only in what is said beside them."""
    found: dict[tuple[str, str, str], Arrow] = {}
    for arrow in arrows:
        found.setdefault((arrow.source, arrow.target, arrow.kind), arrow)
    return tuple(found.values())
