"""What a picture must explain: only what occurs in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from nnrun.runner.show.drawing.picture import ARROWS, BOXES, MARKS, Picture


class Entry(NamedTuple):
    what: Literal["box", "arrow", "mark"]
    kind: str
    text: str


def legend(picture: Picture) -> Iterator[Entry]:
    """Kinds of boxes and arrows, and marks, that the picture has."""
    boxes, arrows = {box.kind for box in picture.boxes}, {arrow.kind for arrow in picture.arrows}
    yield from (Entry("box", kind, text) for kind, text in BOXES.items() if kind in boxes)
    yield from (Entry("arrow", kind, text) for kind, text in ARROWS.items() if kind in arrows)
    ends = {(arrow.source, arrow.target) for arrow in picture.arrows} | {box.name for box in picture.boxes}
    marks = {mark for end, mark in picture.marks.items() if end in ends}
    yield from (Entry("mark", mark, text) for mark, text in MARKS.items() if mark in marks)
