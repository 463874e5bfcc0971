"""Frames that cross, made a tree: each holds boxes and frames wholly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from nnrun.runner.show.drawing.picture import Frame, Picture


@dataclass
class Nest:
    """A frame with what lies in it directly; the outermost has no frame."""

    frame: Frame | None
    members: frozenset[str]
    nests: list[Nest] = field(default_factory=list)

    @property
    def boxes(self) -> frozenset[str]:
        """Boxes that lie in no frame within."""
        return self.members.difference(*(nest.members for nest in self.nests))


def nested(picture: Picture) -> Nest:
    """The tree of a picture's frames. Of two that cross, the later one is drawn in parts."""
    known = frozenset(box.name for box in picture.boxes)
    kept: list[Frame] = []
    for frame in picture.frames:
        kept += _parted(replace(frame, members=frame.members & known), kept)
    root = Nest(None, known)
    for frame in sorted(kept, key=lambda one: -len(one.members)):
        _innermost(root, frame.members).nests.append(Nest(frame, frame.members))
    return root


def _parted(frame: Frame, kept: Iterable[Frame]) -> list[Frame]:
    """The frame in pieces that cross none of those kept."""
    pieces = [frame]
    for other in kept:
        found: list[Frame] = []
        for piece in pieces:
            inside, outside = piece.members & other.members, piece.members - other.members
            crosses = inside and outside and other.members - piece.members
            found += [replace(piece, members=part) for part in (inside, outside)] if crosses else [piece]
        pieces = found
    return [piece for piece in pieces if piece.members]


def _innermost(nest: Nest, members: frozenset[str]) -> Nest:
    for inner in nest.nests:
        if members <= inner.members:
            return _innermost(inner, members)
    return nest
