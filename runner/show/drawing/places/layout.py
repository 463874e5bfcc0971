"""A picture with places: boxes in rows, frames round what they hold, arrows of upright and level lines that run round boxes.

Each frame is laid out by itself and then stands in a row of the frame around as a box does. Lines enter it at the top and leave at the
bottom. Lines keep to channels between rows and to lanes within them, so that none can touch a box where it does not end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from nnrun.runner.show.drawing.picture import Arrow, Box, Frame, Picture
from nnrun.runner.show.drawing.places.grid import Grid, Points, Rect, simple
from nnrun.runner.show.drawing.places.level import Item, Key, Net, Pin, Wire, wires_of
from nnrun.runner.show.drawing.places.media import Medium
from nnrun.runner.show.drawing.places.nesting import Nest, nested
from nnrun.runner.show.drawing.places.order import arrange
from nnrun.runner.show.drawing.places.rows import rows_of
from nnrun.runner.show.drawing.places.straight import room


@dataclass(frozen=True)
class Route:
    """An arrow with its way, and where its label begins, on the line that letters stand on."""

    arrow: Arrow
    points: Points
    label: tuple[int, int]


class Framed(NamedTuple):
    frame: Frame
    rect: Rect
    title: int
    """Where the title begins, so that no line runs through it."""


@dataclass(frozen=True)
class Layout:
    """A picture with places, from (0, 0)."""

    picture: Picture
    width: int
    height: int
    boxes: tuple[tuple[Box, Rect], ...]
    frames: tuple[Framed, ...]
    routes: tuple[Route, ...]


def lay_out(picture: Picture, medium: Medium) -> Layout:
    """Places for all of a picture."""
    laying = _Laying(picture, medium)
    root = laying.level(nested(picture))
    levels = list(_settled(root, (), 0, 0))
    boxes = {name: rect.moved(level.x, level.y) for level in levels for name, rect in level.rects.items()}
    around = {name: (*level.around, level) for level in levels for name in level.rects}
    frames = [Framed(level.nest.frame, _outline(level), level.x + level.title) for level in levels if level.nest.frame]
    routes = [laying.route(number, around) for number in range(len(laying.straight))]
    routes += [route for name, arrows in laying.loops.items() for route in _loop_routes(boxes[name], arrows, medium)]
    return Layout(
        picture,
        root.item.width,
        root.item.height,
        tuple((box, boxes[box.name]) for box in picture.boxes),
        tuple(frames),
        tuple(routes),
    )


@dataclass
class _Level:
    """A frame laid out. Until it is settled, its place is that within the frame around."""

    nest: Nest
    item: Item
    inner: list[_Level]
    rects: dict[str, Rect]
    """Of the boxes right in it, from its corner."""
    ways: dict[Way, Points]
    """From its corner, too."""
    title: int
    """Where the title begins."""
    x: int = 0
    y: int = 0
    around: tuple[_Level, ...] = ()


class Way(NamedTuple):
    """A line on one level, and where it goes."""

    net: int
    item: Item | None
    """None: out of the frame."""
    key: Key


def _settled(level: _Level, around: tuple[_Level, ...], x: int, y: int) -> Iterator[_Level]:
    level.x, level.y, level.around = level.x + x, level.y + y, around
    yield level
    for inner in level.inner:
        yield from _settled(inner, (*around, level), level.x, level.y)


def _outline(level: _Level) -> Rect:
    return Rect(level.x, level.y, level.item.width, level.item.height)


def _free(lines: Sequence[int], wide: int, width: int) -> int:
    """Where the first room that is `wide` begins between upright lines; behind the last of them there always is some."""
    starts, ends = [0, *lines], [*lines, width]
    return next((start for start, end in zip(starts, ends, strict=True) if end - start >= wide), starts[-1])


class _Laying:
    """What all levels of a layout know."""

    def __init__(self, picture: Picture, medium: Medium) -> None:
        self.picture, self.medium = picture, medium
        self.places = {box.name: place for place, box in enumerate(picture.boxes)}
        self.straight = [arrow for arrow in picture.arrows if arrow.source != arrow.target]
        numbers: dict[object, int] = {}
        self.net = [numbers.setdefault((one.source, one.kind, picture.mark(one)), len(numbers)) for one in self.straight]
        """By arrow, the line it is part of."""
        self.loops: dict[str, list[Arrow]] = {}
        for arrow in picture.arrows:
            if arrow.source == arrow.target:
                self.loops.setdefault(arrow.source, []).append(arrow)
        self.items: dict[str, Item] = {}

    def level(self, nest: Nest) -> _Level:
        """Lay out what lies in a frame, the frames within first."""
        inner = [self.level(one) for one in nest.nests]
        owner = {name: level.item for level in inner for name in level.nest.members}
        for name in nest.boxes:
            owner[name] = self.items[name] = self.box(self.picture.boxes[self.places[name]])
        last = self.rank(owner)
        ports, nets = self.nets(owner, last)
        lanes, wires = wires_of(nets, self.medium.lane)
        things = list(dict.fromkeys(owner[name] for name in sorted(owner, key=self.places.__getitem__)))
        rows: list[list[Item]] = [[] for _ in range(last + 1)]
        for item in [*things, *ports, *lanes]:
            rows[item.row].append(item)
        arrange(rows, wires, self.medium)
        return self.placed(nest, inner, rows, nets, wires)

    def box(self, box: Box) -> Item:
        medium, loops = self.medium, self.loops.get(box.name, [])
        body = max(medium.measure(line, "plain" if place else "heading") for place, line in enumerate(box.lines)) + 2 * medium.pad[0]
        height = max(len(box.lines) * medium.line, len(loops) * medium.loop[1]) + 2 * medium.pad[1]
        aside = max((medium.loop[0] + medium.label[0] + medium.measure(one.label, "small") for one in loops), default=0)
        return Item("box", aside, height, body=body)

    def rank(self, owner: Mapping[str, Item]) -> int:
        """Give all things their row, from 1; the number of the row behind the last."""
        names: dict[Item, str] = {}
        for name in sorted(owner, key=self.places.__getitem__):
            names.setdefault(owner[name], name)
        inside = [arrow for arrow in self.straight if arrow.source in owner and arrow.target in owner]
        pairs = [(names[owner[arrow.source]], names[owner[arrow.target]], arrow.kind == "delayed") for arrow in inside]
        fed = {names[owner[arrow.target]] for arrow in self.straight if arrow.target in owner and arrow.source not in owner}
        found = rows_of(list(names.values()), [pair[:2] for pair in pairs if not pair[2]], [pair[:2] for pair in pairs if pair[2]], fed)
        for item, name in names.items():
            item.row = found[name] + 1
        return max(found.values(), default=0) + 2

    def nets(self, owner: Mapping[str, Item], last: int) -> tuple[list[Item], list[Net]]:
        """The lines of one level, with pins at what they join, and ports where they enter and leave the frame."""
        lane = self.medium.lane
        ports: list[Item] = []
        nets: dict[int, Net] = {}
        for number, (arrow, net) in enumerate(zip(self.straight, self.net, strict=True)):
            source, target = owner.get(arrow.source), owner.get(arrow.target)
            if source is target:
                continue
            if source is None and net not in nets:
                source = Item("port", lane, 0, outs={net: lane // 2})
                ports.append(source)
            if net not in nets:
                assert source is not None
                source.outs.setdefault(net, 0)
                nets[net] = Net(net, Pin(source, "bottom", net), [])
            sinks = nets[net].sinks
            if target is None:
                sink = next((one for one in sinks if one.item.kind == "port"), None)
                if sink is None:
                    ports.append(Item("port", lane, 0, last, ins={net: lane // 2}))
                    sinks.append(Pin(ports[-1], "top", net))
                continue
            key: Key = ("arrow", number) if target.kind == "box" else net
            target.ins.setdefault(key, 0)
            if target.kind == "box" and arrow.label:
                target.labels[key] = self.medium.measure(arrow.label, "small")
            if Pin(target, "top", key) not in sinks:
                sinks.append(Pin(target, "top", key))
        for item in dict.fromkeys(owner.values()):
            if item.kind == "box":
                labels = [item.labels.get(key, 0) for key in item.ins]
                item.body = max(item.body, room(labels, self.medium), room([0] * len(item.outs), self.medium))
                item.width += item.body
        return ports, list(nets.values())

    def placed(self, nest: Nest, inner: list[_Level], rows: Sequence[Sequence[Item]], nets: Sequence[Net], wires: Sequence[Wire]) -> _Level:
        """Heights of rows and channels, and the ways of lines between them."""
        edge = self.medium.frame if nest.frame else 0
        shift = edge - min((item.x for row in rows for item in row), default=0)
        for item in (item for row in rows for item in row):
            item.x += shift
        width = max((item.x + item.width for row in rows for item in row), default=0) + edge
        grid = Grid(rows, wires, self.medium, framed=nest.frame is not None)
        ways: dict[Way, Points] = {}
        came = {(wire.net, wire.exit): wire for wire in wires}
        for net in nets:
            for sink in net.sinks:
                pin, points = sink, []
                while pin != net.driver:
                    wire = came[net.number, pin]
                    points += grid.piece(wire)
                    across: Literal["top", "bottom"] = "top" if wire.entry.side == "bottom" else "bottom"
                    pin = wire.entry if wire.entry == net.driver else Pin(wire.entry.item, across, wire.entry.key)
                ways[Way(net.number, None if sink.item.kind == "port" else sink.item, sink.key)] = tuple(points[::-1])
        ins = {key: port.x + offset for port in rows[0] for key, offset in port.outs.items()}
        outs = {key: port.x + offset for port in rows[-1] for key, offset in port.ins.items()}
        title = self.medium.measure(nest.frame.title, "title") + 2 * edge if nest.frame else 0
        heading = _free(sorted(ins.values()), title, width)
        width = max(width, heading + title)
        for level in inner:
            level.x, level.y = level.item.x, grid.tops[level.item.row]
        rects = {name: Rect(item.x, grid.tops[item.row], item.body, item.height) for name in nest.boxes for item in [self.items[name]]}
        return _Level(nest, Item("frame", width, grid.height, ins=ins, outs=outs), inner, rects, ways, heading + edge)

    def route(self, number: int, around: Mapping[str, tuple[_Level, ...]]) -> Route:
        """The way of an arrow through all levels: out of frames, across, and into others."""
        arrow, net = self.straight[number], self.net[number]
        up, down = around[arrow.source], around[arrow.target]
        shared = sum(1 for one, other in zip(up, down, strict=False) if one is other)
        steps = [(level, Way(net, None, net)) for level in up[: shared - 1 : -1]]
        for place in range(shared - 1, len(down)):
            last = place + 1 == len(down)
            inward = Way(net, self.items[arrow.target], ("arrow", number)) if last else Way(net, down[place + 1].item, net)
            steps.append((down[place], inward))
        points = [(x + level.x, y + level.y) for level, way in steps for x, y in level.ways[way]]
        tip = points[-1]
        return Route(arrow, simple(points), (tip[0] + self.medium.label[0], tip[1] - self.medium.label[1]))


def _loop_routes(box: Rect, arrows: Sequence[Arrow], medium: Medium) -> Iterator[Route]:
    """Arrows from a box to itself, at its right side, one under the other."""
    right, reach = box.x + box.width, box.x + box.width + medium.loop[0]
    room = (box.height - 2 * medium.pad[1]) // len(arrows)
    for number, arrow in enumerate(arrows):
        upper = box.y + medium.pad[1] + number * room + (room - medium.loop[1]) // 2 + medium.loop[1] // 4
        lower = upper + max(1, medium.loop[1] // 2)
        points = ((right, lower), (reach, lower), (reach, upper), (right, upper))
        yield Route(arrow, points, (reach + medium.label[0], (lower + upper + 1) // 2 + medium.label[1] // 2))
