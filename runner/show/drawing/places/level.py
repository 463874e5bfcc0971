"""One level of a layout: things in rows, lines between the rows. A line that passes a row has a lane there, as wide as it needs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Key = Hashable
"""What tells the pins of one side of a thing apart."""


@dataclass(eq=False)
class Item:
    """A box, a frame that is laid out already, a lane, or a port of the frame around."""

    kind: Literal["box", "frame", "lane", "port"]
    width: int
    height: int
    row: int = 0
    x: int = 0
    body: int = 0
    """The width of the box itself, without its loops."""
    ins: dict[Key, int] = field(default_factory=dict)
    """Of the pins on top: how far from the left."""
    outs: dict[Key, int] = field(default_factory=dict)
    labels: dict[Key, int] = field(default_factory=dict)
    """How wide the labels are that stand right of pins on top."""

    @property
    def is_thin(self) -> bool:
        return self.kind in ("lane", "port")


class Pin(NamedTuple):
    """Where a line meets an item."""

    item: Item
    side: Literal["top", "bottom"]
    key: Key

    @property
    def x(self) -> int:
        return self.item.x + self.offset

    @property
    def offset(self) -> int:
        return (self.item.ins if self.side == "top" else self.item.outs)[self.key]


class Wire(NamedTuple):
    """A piece of a line between two rows."""

    net: int
    channel: int
    """The number of the row above."""
    entry: Pin
    """Nearer to where the line starts."""
    exit: Pin


@dataclass
class Net:
    """A line from one thing to some others, on one level."""

    number: int
    driver: Pin
    sinks: list[Pin]


def wires_of(nets: Iterable[Net], lane: int) -> tuple[list[Item], list[Wire]]:
    """The lanes that lines need, and all their pieces. Down they share one lane a row, up another."""
    lanes: list[Item] = []
    wires: list[Wire] = []
    for net in nets:
        start = net.driver.item.row
        lowest = max((sink.item.row for sink in net.sinks), default=start)
        highest = min((sink.item.row for sink in net.sinks), default=start + 1)
        entry = net.driver
        for row in range(start, lowest):
            exits = [sink for sink in net.sinks if sink.item.row == row + 1]
            if row + 1 < lowest:
                lanes.append(_lane(row + 1, lane))
                exits.append(Pin(lanes[-1], "top", 0))
            wires += [Wire(net.number, row, entry, one) for one in exits]
            entry = Pin(exits[-1].item, "bottom", 0)
        entry = net.driver
        for row in range(start, highest - 1, -1):
            lanes.append(_lane(row, lane))
            wires.append(Wire(net.number, row, entry, Pin(lanes[-1], "bottom", 0)))
            entry = Pin(lanes[-1], "top", 0)
            wires += [Wire(net.number, row - 1, entry, sink) for sink in net.sinks if sink.item.row == row]
    return lanes, wires


def _lane(row: int, width: int) -> Item:
    return Item("lane", width, 0, row, ins={0: width // 2}, outs={0: width // 2})
