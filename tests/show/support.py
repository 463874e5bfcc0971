"""Pictures to draw, and what can be measured of their layouts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path

from hypothesis import strategies as st

from nnrun.runner.compiler.check import Checked, check
from nnrun.runner.show.drawing.content import picture_of
from nnrun.runner.show.drawing.picture import Arrow, ArrowKind, Box, Frame, Picture
from nnrun.runner.show.drawing.places.grid import Rect
from nnrun.runner.show.drawing.places.layout import Layout, Route
from nnrun.runner.show.drawing.places.media import SVG, Medium
from tests.tracking.support import ROOT

GALLERY = sorted((ROOT / "specs").glob("*.yaml"))

KINDS: tuple[ArrowKind, ...] = ("forward", "delayed", "symmetric", "choice", "judged")


def checked(path: Path) -> Checked:
    return check(path.read_text(), str(path), folder=path.parent)


def gallery_picture(path: Path) -> Picture:
    return picture_of(checked(path))


@st.composite
def pictures(draw: st.DrawFn, most: int = 9) -> Picture:
    """Boxes, arrows of all kinds among them, frames that may cross."""
    names = [f"n{number}" for number in range(draw(st.integers(1, most)))]
    lines = st.lists(st.text("ab <&,", max_size=12), max_size=3)
    boxes = tuple(Box(name, "node", (name, *draw(lines))) for name in names)
    ends, label = st.sampled_from(names), st.sampled_from(("", "1 tick ago", "as memory"))
    arrows = draw(st.lists(st.builds(Arrow, ends, ends, st.sampled_from(KINDS), label), max_size=2 * most, unique=True))
    members = st.frozensets(ends, min_size=1)
    frame = st.builds(Frame, st.sampled_from(("loop", "block")), st.sampled_from(("x", "each tick of text")), members)
    frames = draw(st.lists(frame, max_size=3))
    return Picture("random", boxes, tuple(arrows), tuple(frames))


def meet(one: Rect, other: Rect) -> bool:
    """Whether two rectangles have more than a border in common."""
    return one.x < other.x + other.width and other.x < one.x + one.width and one.y < other.y + other.height and other.y < one.y + one.height


def inside(inner: Rect, outer: Rect) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def pieces(route: Route) -> Iterator[Rect]:
    """The straight pieces of an arrow, as rectangles without width or height."""
    for (x, y), (across, down) in pairwise(route.points):
        yield Rect(min(x, across), min(y, down), abs(across - x), abs(down - y))


def cuts(piece: Rect, rect: Rect) -> bool:
    """Whether a piece runs through the inside of a rectangle."""
    return (
        piece.x < rect.x + rect.width
        and rect.x < piece.x + piece.width
        and piece.y < rect.y + rect.height
        and rect.y < piece.y + piece.height
    )


def run_overs(layout: Layout) -> list[tuple[Arrow, Arrow]]:
    """Arrows that share more than a point, though they are of different lines."""
    ways = [(route.arrow, piece) for route in layout.routes for piece in pieces(route)]
    pairs = (
        (one, other)
        for (one, piece), (other, second) in combinations(ways, 2)
        if (one.source, one.kind) != (other.source, other.kind) and _run_over(piece, second)
    )
    return list(pairs)


def _run_over(one: Rect, other: Rect) -> bool:
    if one.width and other.width:
        return one.y == other.y and one.x < other.x + other.width and other.x < one.x + one.width
    if one.height and other.height:
        return one.x == other.x and one.y < other.y + other.height and other.y < one.y + one.height
    return False


def labels(layout: Layout, medium: Medium) -> list[Rect]:
    """Where letters stand beside arrows."""
    found = []
    for route in layout.routes:
        if route.arrow.label:
            x, y = route.label
            width = medium.measure(route.arrow.label, "small")
            found.append(Rect(x, y - 8, width, 10) if medium is SVG else Rect(x, y, width, 1))
    return found


def titles(layout: Layout, medium: Medium) -> list[Rect]:
    """Where the titles of frames stand."""
    found = []
    for frame, rect, x in layout.frames:
        width = medium.measure(frame.title, "title")
        found.append(Rect(x, rect.y + 6, width, 12) if medium is SVG else Rect(x, rect.y, width, 1))
    return found


def overlapping(rects: list[Rect]) -> list[tuple[Rect, Rect]]:
    return [pair for pair in combinations(rects, 2) if meet(*pair)]
