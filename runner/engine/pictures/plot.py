"""Curves and clouds of dots over two axes.

matplotlib draws more than this, but loading it and drawing a run's two pictures took half a second, as long as the training of a small net.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from nnrun.runner.engine.pictures.paper import GRID, INK, Paper, Point, width_of

WIDTH, HEIGHT = 390, 270
"""Of a plot with all that is written around it, in pixels."""

TINY, HUGE = 1e-300, 1e300
"""Between them numbers can be told apart and added up."""


@dataclass(frozen=True)
class Curve:
    """Points in their order; what is no number, or too large for one, makes a gap."""

    points: Sequence[Point]
    colour: str
    name: str | None = None
    """In the legend, if it stands there."""
    line: float = 1.6
    """How thick; 0 for dots alone."""
    dot: float = 0.0
    """Radius."""


def plot(curves: Sequence[Curve], *, title: str = "", across: str = "", down: str = "", mark: float | None = None) -> Image.Image:
    """Curves in one field, and an upright line at `mark`."""
    paper = Paper(WIDTH, HEIGHT)
    known = [point for curve in curves for point in curve.points if _is_seen(point)]
    xs = ticks([x for x, _ in known] + ([mark] if mark is not None else []))
    ys = ticks([y for _, y in known])
    left = 14 + max(width_of(named(y, ys)) for y in ys) + (20 if down else 0)
    right, top, bottom = WIDTH - max(14, 4 + width_of(named(xs[-1], xs)) / 2), 30, HEIGHT - (46 if across else 28)
    (low, high), (least, most) = ((scale[0], scale[-1]) for scale in (xs, ys))

    def place(point: Point) -> Point:
        return left + (point[0] - low) / (high - low) * (right - left), bottom - (point[1] - least) / (most - least) * (bottom - top)

    paper.text((left, 17), title, 13, anchor="lm")
    for x in xs:
        at = place((x, least))
        paper.line([at, (at[0], top)], GRID)
        paper.text((at[0], bottom + 6), named(x, xs), anchor="ma")
    for y in ys:
        at = place((low, y))
        paper.line([at, (right, at[1])], GRID)
        paper.text((left - 6, at[1]), named(y, ys), anchor="rm")
    if across:
        paper.text(((left + right) / 2, HEIGHT - 14), across, 12)
    if down:
        paper.slanted((12, (top + bottom) / 2 - width_of(down, 12) / 2), down, 12, degrees=90)
    if mark is not None:
        paper.dotted(place((mark, most)), place((mark, least)), INK)
    for curve in curves:
        for run in _unbroken(curve.points):
            if curve.line and len(run) > 1:
                paper.line([place(point) for point in run], curve.colour, curve.line)
            for point in run if curve.dot or len(run) == 1 else ():
                paper.dot(place(point), curve.dot or 2.0, curve.colour)
    _legend(paper, [curve for curve in curves if curve.name is not None], right)
    return paper.finished()


def ticks(values: Sequence[float], most: int = 6) -> list[float]:
    """Round numbers from below the least to above the greatest value: 1, 2 or 5 times a power of ten apart."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if high - low <= max(1e-12 * max(abs(low), abs(high)), TINY):
        room = abs(low) / 2 if abs(low) > TINY else 0.5
        low, high = low - room, high + room
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def named(value: float, scale: Sequence[float]) -> str:
    """A number with as many digits as tell it from its neighbours."""
    step, largest = scale[1] - scale[0], max(abs(scale[0]), abs(scale[-1]))
    if largest >= 1e6 or largest < 1e-4:
        return f"{value:.{max(0, math.floor(math.log10(largest)) - math.floor(math.log10(step) + 1e-9))}e}"
    return f"{0.0 if abs(value) < step / 2 else value:.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"


def _is_seen(point: Point) -> bool:
    return all(abs(number) < HUGE for number in point)


def _unbroken(points: Sequence[Point]) -> list[list[Point]]:
    """The points between gaps."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if _is_seen(point):
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _legend(paper: Paper, curves: Sequence[Curve], right: float) -> None:
    """Names above the field, where no curve is."""
    for curve in reversed(curves):
        name = curve.name or ""
        right -= width_of(name)
        paper.text((right, 17), name, anchor="lm")
        paper.line([(right - 24, 17), (right - 6, 17)], curve.colour, curve.line)
        right -= 40
