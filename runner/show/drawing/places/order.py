"""Where things stand in their rows: few crossings, straight lines, nothing nearer than it may be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import floor

from nnrun.runner.show.drawing.places.channels import clashes
from nnrun.runner.show.drawing.places.level import Item, Pin, Wire
from nnrun.runner.show.drawing.places.media import Medium
from nnrun.runner.show.drawing.places.straight import Ends, Rooms, align, apart, centre, dodge, sides, slot, snap, spaced, straighten

SWEEPS, SWAPS, SETTLING, SNAPPING = 12, 6, 12, 6

MANY = 400
"""Lines between two rows: where there are more, crossings are not counted."""


def arrange(rows: Sequence[list[Item]], wires: Sequence[Wire], medium: Medium) -> None:
    """Order the rows, and give every item its place."""
    ends = _ends(wires)
    for row in rows:
        _place(row, [float(item.x) for item in row], [1.0] * len(row), medium)
    first = {id(item): place for row in rows for place, item in enumerate(row)}
    best, order = _cost(rows, wires, first), [list(row) for row in rows]
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wanted = {id(item): _wanted(item, ends[id(item)], "up" if sweep % 2 == 0 else "down") for item in row}
            row.sort(key=lambda item: wanted[id(item)][2])
            _spread(row, ends, medium)
            _place(row, [wanted[id(item)][0] for item in row], [wanted[id(item)][1] for item in row], medium)
        if (cost := _cost(rows, wires, first)) < best:
            best, order = cost, [list(row) for row in rows]
    for row, kept in zip(rows, order, strict=True):
        row[:] = kept
        _place(row, [float(item.x) for item in row], [1.0] * len(row), medium)
    _swap(rows, wires, medium)
    rooms = Rooms(rows, medium)
    for sweep in range(SETTLING):
        for row in rows if sweep % 2 else rows[::-1]:
            _spread(row, ends, medium)
            wants = [_wanted(item, ends[id(item)], "both") for item in row]
            _place(row, [want for want, _, _ in wants], [weight for _, weight, _ in wants], medium)
        straighten(rows, ends, rooms)
    for _ in range(SNAPPING):
        for row in rows:
            for item in row:
                snap(item, ends[id(item)], medium)
            wants = [_wanted(item, ends[id(item)], "both") for item in row]
            _place(row, [want for want, _, _ in wants], [weight for _, weight, _ in wants], medium)
        straighten(rows, ends, rooms)
    for _ in range(SNAPPING):
        for item in (item for row in rows for item in row):
            snap(item, ends[id(item)], medium)
        align(rows, ends, rooms)
        straighten(rows, ends, rooms)
    centre(rows, ends, medium)
    _part(wires, rooms)


def _part(wires: Sequence[Wire], rooms: Rooms) -> None:
    """Move lines off each other, as far as there is room."""
    for _ in range(SNAPPING):
        channels: dict[int, list[Wire]] = defaultdict(list)
        for wire in wires:
            channels[wire.channel].append(wire)
        found = [pair for group in channels.values() for pair in clashes(group, rooms.medium)]
        moved = [dodge(one, other, rooms) or dodge(other, one, rooms) for one, other in found]
        if not any(moved):
            return


def _ends(wires: Sequence[Wire]) -> Ends:
    ends: dict[int, list[tuple[Pin, Pin]]] = defaultdict(list)
    for wire in wires:
        ends[id(wire.entry.item)].append((wire.entry, wire.exit))
        ends[id(wire.exit.item)].append((wire.exit, wire.entry))
    return ends


def _wanted(item: Item, ends: Sequence[tuple[Pin, Pin]], looking: str) -> tuple[float, float, float]:
    """Where an item would stand straight below or above what it is joined with, how much that matters, and the middle of all that."""
    total = centre = weight = 0.0
    for pin, other in ends:
        above = pin.side == "top"
        if looking != "both" and above != (looking == "up") and other.side != pin.side:
            continue
        matters = (0.25 if other.side == pin.side else 1.0) if not item.is_thin else 8.0 if other.item.is_thin else 2.0
        total += matters * (other.x - pin.offset)
        centre += matters * other.x
        weight += matters
    return (total / weight, weight, centre / weight) if weight else (float(item.x), 0.1, item.x + item.width / 2)


def _swap(rows: Sequence[list[Item]], wires: Sequence[Wire], medium: Medium) -> None:
    """Exchange neighbours where that takes crossings away."""
    channels: dict[int, list[Wire]] = defaultdict(list)
    for wire in wires:
        channels[wire.channel].append(wire)
    for _ in range(SWAPS):
        moved = False
        for number, row in enumerate(rows):
            near = [channels[number - 1], channels[number]]
            if any(len(group) > MANY for group in near):
                continue
            for at in range(len(row) - 1):
                one, other = row[at : at + 2]
                before = sum(map(_crossings, near))
                places = one.x, other.x
                one.x, other.x = other.x + other.width - one.width, one.x
                if before and sum(map(_crossings, near)) < before:
                    row[at : at + 2] = other, one
                    _place(row, [float(item.x) for item in row], [1.0] * len(row), medium)
                    moved = True
                else:
                    one.x, other.x = places
        if not moved:
            return


def _place(row: Sequence[Item], wanted: Sequence[float], weights: Sequence[float], medium: Medium) -> None:
    gaps = [apart(left, right, medium) for left, right in pairwise(row)]
    for item, x in zip(row, spaced(wanted, gaps, weights), strict=True):
        item.x = x


def _spread(row: Sequence[Item], ends: Ends, medium: Medium) -> None:
    """Pins at even distances, in the order of what they are joined with; one alone in the middle."""
    for item in row:
        for pins, labels, wanted in sides(item, ends[id(item)]):
            keys = sorted(pins, key=wanted.__getitem__)
            slots = [slot(labels.get(key, 0), medium) for key in keys]
            spare = max(0, item.body - sum(map(sum, slots))) / (len(keys) or 1)
            x = 0.0
            pins.clear()
            for key, (left, right) in zip(keys, slots, strict=True):
                pins[key] = floor(x + left + spare / 2) if len(keys) > 1 else min(item.body // 2, item.body - right)
                x += left + right + spare


def _cost(rows: Sequence[Sequence[Item]], wires: Sequence[Wire], first: Mapping[int, int]) -> tuple[int, int, int]:
    """Crossings, then how often the order of the spec is left, then the length of what is not straight."""
    channels: dict[int, list[Wire]] = defaultdict(list)
    for wire in wires:
        channels[wire.channel].append(wire)
    crossings = sum(_crossings(group) for group in channels.values() if len(group) <= MANY)
    boxes = [[first[id(item)] for item in row if not item.is_thin] for row in rows]
    turned = sum(one > other for row in boxes if len(row) <= MANY for place, one in enumerate(row) for other in row[place + 1 :])
    return crossings, turned, sum(abs(wire.entry.x - wire.exit.x) for wire in wires)


def _crossings(wires: Sequence[Wire]) -> int:
    """Pairs of lines between two rows that must cross."""
    count = 0
    spans = [_span(wire) for wire in wires]
    for at, (net, one, other, turns) in enumerate(spans):
        for second, left, right, bends in spans[at + 1 :]:
            if net == second:
                continue
            if turns == bends == "":
                count += (one - left) * (other - right) < 0
            elif turns and bends:
                count += turns == bends and (min(one, other) < min(left, right) < max(one, other) < max(left, right))
            else:
                low, high = (min(one, other), max(one, other)) if turns else (min(left, right), max(left, right))
                above, below = (left, right) if turns else (one, other)
                count += low < (above if (turns or bends) == "bottom" else below) < high
    return count


def _span(wire: Wire) -> tuple[int, int, int, str]:
    """The net; where it is above and where below; and the side where both ends lie, if it turns back."""
    if wire.entry.side == wire.exit.side:
        return wire.net, wire.entry.x, wire.exit.x, wire.entry.side
    above, below = (wire.entry, wire.exit) if wire.entry.side == "bottom" else (wire.exit, wire.entry)
    return wire.net, above.x, below.x, ""
