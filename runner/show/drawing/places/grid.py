"""Upright and level lines between the rows of one level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nnrun.runner.show.drawing.places.channels import tracks
from nnrun.runner.show.drawing.places.level import Item, Pin, Wire
from nnrun.runner.show.drawing.places.media import Medium


class Rect(NamedTuple):
    x: int
    y: int
    width: int
    height: int

    def moved(self, x: int, y: int) -> Rect:
        return Rect(self.x + x, self.y + y, self.width, self.height)


Points = tuple[tuple[int, int], ...]


class Grid:
    """Where rows begin, and the lines between them run."""

    def __init__(self, rows: Sequence[Sequence[Item]], wires: Sequence[Wire], medium: Medium, *, framed: bool) -> None:
        self.medium = medium
        self.tops: list[int] = []
        self.ends: list[int] = []
        self.tracks: list[Mapping[int, int]] = []
        y = 0
        for number, row in enumerate(rows):
            self.tops.append(y)
            y += medium.title if framed and number == 0 else max((item.height for item in row), default=0)
            self.ends.append(y)
            here = [wire for wire in wires if wire.channel == number]
            levels, count = tracks(here, medium)
            self.tracks.append(levels)
            if here:
                leaves = framed and number == len(rows) - 2
                y += medium.stub + (count - 1) * medium.track + (0 if leaves else medium.head) if count else 0 if leaves else medium.plain
            elif 0 < number < len(rows) - 2:
                y += medium.stub
            if framed and number == len(rows) - 2:
                y += medium.frame
        self.height = y

    def piece(self, wire: Wire) -> list[tuple[int, int]]:
        """A piece of a line, from its exit back to its entry."""
        start, end = (wire.entry.x, self.y(wire.entry)), (wire.exit.x, self.y(wire.exit))
        track = self.tracks[wire.channel].get(wire.net)
        if track is None or (start[0] == end[0] and wire.entry.side != wire.exit.side):
            return [end, start]
        level = self.ends[wire.channel] + self.medium.stub + track * self.medium.track
        return [end, (end[0], level), (start[0], level), start]

    def y(self, pin: Pin) -> int:
        item = pin.item
        if pin.side == "top":
            return self.tops[item.row]
        return self.ends[item.row] if item.kind == "lane" else self.tops[item.row] + item.height


def simple(points: Sequence[tuple[int, int]]) -> Points:
    """The same way without points in the middle of straight lines."""
    kept: list[tuple[int, int]] = []
    for point in points:
        if kept and point == kept[-1]:
            continue
        if len(kept) > 1 and (kept[-2][0] == kept[-1][0] == point[0] or kept[-2][1] == kept[-1][1] == point[1]):
            kept[-1] = point
        else:
            kept.append(point)
    return tuple(kept)
