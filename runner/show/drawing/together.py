"""Two pictures in one, what differs between them marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nnrun.runner.show.drawing.picture import Arrow, Box, Frame, Mark, Picture


def together(before: Picture, after: Picture) -> Picture:
    """All that is in either: boxes by their names, arrows by their ends. What is in both looks as it does after."""
    marks: dict[str | tuple[str, str], Mark] = {}
    old, new = ({box.name: box for box in picture.boxes} for picture in (before, after))
    for name in old | new:
        if name not in old or name not in new:
            marks[name] = "added" if name in new else "gone"
        elif old[name] != new[name]:
            marks[name] = "changed"
    came, went = ({(one.source, one.target) for one in arrows} for arrows in (_without(after, before), _without(before, after)))
    for ends in came | went:
        marks[ends] = "changed" if ends in came & went else "added" if ends in came else "gone"
    kept = {(one.source, one.target, one.kind) for one in after.arrows}
    gone = (one for one in before.arrows if (one.source, one.target, one.kind) not in kept)
    title = after.title if before.title == after.title else f"{before.title} -> {after.title}"
    return Picture(title, _boxes(before, after), (*after.arrows, *gone), _frames(before, after), marks)


def renamed(picture: Picture, names: Mapping[str, str]) -> Picture:
    """The same picture with other names of boxes, and headings that say them."""

    def of(name: str) -> str:
        return names.get(name, name)

    def box_of(box: Box) -> Box:
        heading, *rest = box.lines
        is_own = heading == box.name.rpartition("/")[2]
        return replace(box, name=of(box.name), lines=(of(box.name).rpartition("/")[2] if is_own else heading, *rest))

    boxes = tuple(map(box_of, picture.boxes))
    arrows = tuple(replace(arrow, source=of(arrow.source), target=of(arrow.target)) for arrow in picture.arrows)
    frames = tuple(replace(frame, members=frozenset(map(of, frame.members))) for frame in picture.frames)
    return replace(picture, boxes=boxes, arrows=arrows, frames=frames)


def _without(picture: Picture, other: Picture) -> list[Arrow]:
    """The arrows that the other has not."""
    return [arrow for arrow in picture.arrows if arrow not in other.arrows]


def _boxes(before: Picture, after: Picture) -> tuple[Box, ...]:
    """Those of `after`, and the others each behind the one it stood behind."""
    found = list(after.boxes)
    for place, box in enumerate(before.boxes):
        names = [one.name for one in found]
        if box.name not in names:
            behind = before.boxes[place - 1].name if place else None
            found.insert(names.index(behind) + 1 if behind else 0, box)
    return tuple(found)


def _frames(before: Picture, after: Picture) -> tuple[Frame, ...]:
    """Frames of one kind and title that share a box are one."""
    found = list(after.frames)
    for frame in (one for one in before.frames if one not in after.frames):
        same = (at for at, one in enumerate(found) if (one.kind, one.title) == (frame.kind, frame.title) and one.members & frame.members)
        at = next(same, None)
        if at is None:
            found.append(frame)
        else:
            found[at] = replace(found[at], members=found[at].members | frame.members)
    return tuple(found)
