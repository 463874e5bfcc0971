"""Things in rows whose order stays: as near to what they are joined with as their neighbours let them, and lines straight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from math import floor

from nnrun.runner.show.drawing.places.level import Item, Key, Pin
from nnrun.runner.show.drawing.places.media import Medium

Ends = Mapping[int, Sequence[tuple[Pin, Pin]]]
"""By the identity of an item, its pins, each with the one at the other end."""


def apart(left: Item, right: Item, medium: Medium) -> int:
    """How far the right one stands at least from the left one's left."""
    thin = left.is_thin + right.is_thin
    return left.width + (medium.gap, medium.gap // 3 + 1, 0)[thin]


def spaced(
    wanted: Sequence[float], gaps: Sequence[int], weights: Sequence[float], low: float = float("-inf"), high: float = float("inf")
) -> list[int]:
    """Whole numbers in order, each at least its gap from the one before, as near to what is wanted as squares tell.

    `low` and `high` bound the first and the last. Source: isotonic regression by pooling adjacent violators.
    """
    shifts = [0, *accumulate(gaps)]
    pools: list[tuple[float, float, int]] = []
    for want, shift, weight in zip(wanted, shifts, weights, strict=False):
        mean, total, count = want - shift, weight, 1
        while pools and pools[-1][0] > mean:
            before, heavy, many = pools.pop()
            mean = (before * heavy + mean * total) / (heavy + total)
            total, count = total + heavy, count + many
        pools.append((mean, total, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    high -= shifts[len(means) - 1] if means else 0
    return [floor(max(low, min(high, mean)) + 0.5) + shift for mean, shift in zip(means, shifts, strict=False)]


class Rooms:
    """How far things can move in rows whose order stays."""

    def __init__(self, rows: Sequence[Sequence[Item]], medium: Medium) -> None:
        self.medium = medium
        self.before = {id(other): one for row in rows for one, other in pairwise(row)}
        self.behind = {id(one): other for row in rows for one, other in pairwise(row)}

    def of(self, item: Item) -> tuple[float, float]:
        """Until it meets its neighbours."""
        left, right = self.before.get(id(item)), self.behind.get(id(item))
        low = left.x + apart(left, item, self.medium) if left else float("-inf")
        return low, right.x - apart(item, right, self.medium) if right else float("inf")


def straighten(rows: Sequence[Sequence[Item]], ends: Ends, rooms: Rooms) -> None:
    """Put lanes that follow each other under each other, where their neighbours leave room."""
    for chain in _chains(rows, ends):
        while chain:
            low, high, count = float("-inf"), float("inf"), 0
            for item in chain:
                left, right = rooms.of(item)
                if max(low, left) > min(high, right):
                    break
                low, high, count = max(low, left), min(high, right), count + 1
            part, chain = chain[:count], chain[count:]
            others = sorted(other.x - pin.offset for item in part for pin, other in ends[id(item)] if other.item not in part)
            want = others[(len(others) - 1) // 2] if others else part[0].x
            for item in part:
                item.x = int(max(low, min(high, want)))


def align(rows: Sequence[Sequence[Item]], ends: Ends, rooms: Rooms) -> None:
    """Move boxes and lanes a little where that makes more lines straight, or brings a box under the middle of what it reads."""
    for item in (item for row in rows for item in row):
        low, high = rooms.of(item)
        lines = [(pin, other) for pin, other in ends[id(item)] if pin.side != other.side]
        wanted = [item.x + other.x - pin.x for pin, other in lines if pin.x != other.x]
        wanted += [_middle_of(other.item) - item.body // 2 for pin, other in lines if _are_boxes(pin, other)]
        for x in dict.fromkeys(wanted):
            if not low <= x <= high:
                continue
            kept, worth = (item.x, dict(item.ins), dict(item.outs)), _crooked(item, lines)
            item.x = x
            snap(item, ends[id(item)], rooms.medium)
            if _crooked(item, lines) >= worth:
                item.x, ins, outs = kept
                item.ins.clear()
                item.ins.update(ins)
                item.outs.clear()
                item.outs.update(outs)


def centre(rows: Sequence[Sequence[Item]], ends: Ends, medium: Medium) -> None:
    """Lead lines that are alone from middle to middle, where boxes are so near that they stay straight."""
    for item in (item for row in rows for item in row):
        for pin, other in ends[id(item)]:
            alone = _are_boxes(pin, other) and pin.side == "top" and len(item.ins) == 1 and len(other.item.outs) == 1
            if alone and sum(one.key == other.key for one, _ in ends[id(other.item)] if one.side == "bottom") == 1:
                left, right = slot(item.labels.get(pin.key, 0), medium)
                low = max(item.x, other.item.x) + left
                high = min(item.x + item.body - right, other.item.x + other.item.body - left)
                if low <= high:
                    x = max(low, min(high, (_middle_of(item) + _middle_of(other.item)) // 2))
                    item.ins[pin.key], other.item.outs[other.key] = x - item.x, x - other.item.x


def dodge(pin: Pin, other: Pin, rooms: Rooms) -> bool:
    """Move one end of a line out of the way of another line, if there is room."""
    item, medium = pin.item, rooms.medium
    pins, labels = (item.ins, item.labels) if pin.side == "top" else (item.outs, {})
    low, high = rooms.of(item)
    for step in (sign * by for by in range(1, 2 * medium.near + 1) for sign in (1, -1)):
        if abs(pin.x + step - other.x) < medium.near:
            continue
        if item.kind == "lane" and low <= item.x + step <= high:
            item.x += step
            return True
        if item.kind == "box":
            wanted = {**pins, pin.key: pins[pin.key] + step}
            keys = sorted(wanted, key=wanted.__getitem__)
            slots = [slot(labels.get(key, 0), medium) for key in keys]
            edges = [0, *(wanted[key] for key in keys), item.body]
            needs = [slots[0][0], *(right + left for (_, right), (left, _) in pairwise(slots)), slots[-1][1]]
            if all(end - start >= need for (start, end), need in zip(pairwise(edges), needs, strict=True)):
                pins[pin.key] += step
                return True
    return False


def _are_boxes(pin: Pin, other: Pin) -> bool:
    return pin.item.kind == other.item.kind == "box"


def _middle_of(item: Item) -> int:
    return item.x + item.body // 2


def _crooked(item: Item, lines: Sequence[tuple[Pin, Pin]]) -> tuple[int, int]:
    """How many lines are not straight, then how far an item is from the middle of the boxes above."""
    bent = sum(pin.x != other.x for pin, other in lines)
    return bent, sum(abs(_middle_of(item) - _middle_of(other.item)) for pin, other in lines if pin.side == "top" and _are_boxes(pin, other))


def _chains(rows: Sequence[Sequence[Item]], ends: Ends) -> Iterator[list[Item]]:
    """Lanes and ports that continue each other, from above."""
    seen: set[int] = set()
    for first in (item for row in rows for item in row if item.is_thin):
        chain = []
        item: Item | None = first
        while item is not None and id(item) not in seen:
            seen.add(id(item))
            chain.append(item)
            below = (other.item for pin, other in ends[id(item)] if pin.side == "bottom" and other.side == "top")
            item = next((one for one in below if one.is_thin), None)
        if chain:
            yield chain


def snap(item: Item, ends: Sequence[tuple[Pin, Pin]], medium: Medium) -> None:
    """Move the pins of a box to where lines are straight."""
    for pins, labels, wanted in sides(item, ends):
        keys = sorted(pins, key=wanted.__getitem__)
        if keys:
            slots = [slot(labels.get(key, 0), medium) for key in keys]
            gaps = [right + left for (_, right), (left, _) in pairwise(slots)]
            low, high = slots[0][0], item.body - slots[-1][1]
            places = spaced([wanted[key] for key in keys], gaps, [1.0] * len(keys), low, high)
            pins.clear()
            pins.update(zip(keys, places, strict=True))


def sides(item: Item, ends: Sequence[tuple[Pin, Pin]]) -> Iterator[tuple[dict[Key, int], Mapping[Key, int], dict[Key, int]]]:
    """Of a box, top and bottom: the pins, their labels, and where each would stand."""
    if item.kind != "box":
        return
    for side, pins, labels in (("top", item.ins, item.labels), ("bottom", item.outs, {})):
        others: dict[Key, list[int]] = {key: [] for key in pins}
        for pin, other in ends:
            if pin.side == side:
                others[pin.key].append(other.x - item.x)
        yield pins, labels, {key: _middle(found) if found else pins[key] for key, found in others.items()}


def _middle(values: Sequence[int]) -> int:
    """The median, so that one of the lines is straight."""
    return sorted(values)[(len(values) - 1) // 2]


def slot(label: int, medium: Medium) -> tuple[int, int]:
    """The room left and right of a pin; a label stands right of it."""
    half = medium.pin // 2 + medium.pin % 2
    return half, max(half, label + 2 * medium.label[0] if label else 0)


def room(labels: Sequence[int], medium: Medium) -> int:
    """How wide a box must be for its pins."""
    return sum(sum(slot(label, medium)) for label in labels)
