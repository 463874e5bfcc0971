"""Horizontal lines between two rows: which lies above which, so that none runs over another and few cross."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from nnrun.runner.show.drawing.places.level import Pin, Wire
from nnrun.runner.show.drawing.places.media import Medium

OVER = 1000
"""What it costs that two lines run over each other, in crossings."""

MANY = 80
"""Lines of one channel: of more, the order is not improved."""


@dataclass
class Bundle:
    """All pieces of one line in one channel."""

    net: int
    above: dict[int, Pin] = field(default_factory=dict)
    """Where it meets the row above."""
    below: dict[int, Pin] = field(default_factory=dict)

    @property
    def low(self) -> int:
        return min((*self.above, *self.below))

    @property
    def high(self) -> int:
        return max((*self.above, *self.below))


def tracks(wires: Sequence[Wire], medium: Medium) -> tuple[dict[int, int], int]:
    """Of each line that is not straight, the number of its track from above; and how many tracks there are."""
    order = _ordered(wires, medium)
    levels: dict[int, int] = {}
    for at, bundle in enumerate(order):
        above = [other for other in order[:at] if other.low - medium.pin < bundle.high and bundle.low - medium.pin < other.high]
        levels[bundle.net] = max((levels[other.net] + 1 for other in above), default=0)
    return levels, max(levels.values(), default=-1) + 1


def clashes(wires: Sequence[Wire], medium: Medium) -> Iterator[tuple[Pin, Pin]]:
    """Ends of lines that would run over each other in any order of the tracks: each begins where the other ends."""
    for upper, lower in combinations(_ordered(wires, medium), 2):
        for x, pin in upper.below.items():
            yield from ((pin, other) for place, other in lower.above.items() if abs(x - place) < medium.near)


def _ordered(wires: Sequence[Wire], medium: Medium) -> list[Bundle]:
    """The lines that are not straight, the uppermost first."""
    bundles: dict[int, Bundle] = {}
    for wire in wires:
        bundle = bundles.setdefault(wire.net, Bundle(wire.net))
        for pin in (wire.entry, wire.exit):
            (bundle.above if pin.side == "bottom" else bundle.below)[pin.x] = pin
    bent = [bundle for bundle in bundles.values() if bundle.low != bundle.high]
    bent.sort(key=lambda one: (sum(one.above) / len(one.above) if one.above else one.low, one.net))
    return _improved(bent, medium.near) if len(bent) <= MANY else bent


def _improved(order: Sequence[Bundle], near: int) -> list[Bundle]:
    """The order with each line put where it costs least, until none moves."""
    best = list(order)
    costs = {(one.net, other.net): _cost(one, other, near) for one in best for other in best if one is not other}
    for _ in range(len(best)):
        moved = False
        for bundle in list(best):
            at = best.index(bundle)
            rest = [one for one in best if one is not bundle]
            cost = sum(costs[bundle.net, one.net] for one in rest)  # above all others
            found = [cost]
            for one in rest:
                cost += costs[one.net, bundle.net] - costs[bundle.net, one.net]
                found.append(cost)
            if min(found) < found[at]:
                rest.insert(found.index(min(found)), bundle)
                best, moved = rest, True
        if not moved:
            break
    return best


def _cost(upper: Bundle, lower: Bundle, near: int) -> int:
    """Crossings of two lines, one above the other."""
    crossings = sum(lower.low < x < lower.high for x in upper.below) + sum(upper.low < x < upper.high for x in lower.above)
    over = sum(abs(x - other) < near for x in upper.below for other in lower.above)
    return crossings + OVER * over
