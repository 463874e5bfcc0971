"""A picture as SVG. Colours follow the reader's light or dark background; every text is as wide as the layout says, in any font."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import hypot

from nnrun.runner.show.drawing.legend import Entry, legend
from nnrun.runner.show.drawing.picture import Picture
from nnrun.runner.show.drawing.places.grid import Points, Rect
from nnrun.runner.show.drawing.places.layout import Route, lay_out
from nnrun.runner.show.drawing.places.media import SIZES, SVG, Style, pixels
from nnrun.runner.show.drawing.shrink import closed, narrowed
from nnrun.runner.show.drawing.style import STYLE

MARGIN, TITLE, KEY, ROUND, HEAD = 16, 26, 20, 6, 8

COLUMNS = 44
"""Letters in a line of a box."""


def picture_svg(picture: Picture) -> str:
    """The picture, the same bytes for the same picture."""
    picture = closed(picture)
    whole = {box.name: box.lines for box in picture.boxes}
    layout = lay_out(narrowed(picture, COLUMNS), SVG)
    heading = pixels(picture.title, "heading")
    inner = max(layout.width, heading, 240)
    entries = list(_rows(legend(picture), inner))
    rows = max((row for row, _, _ in entries), default=-1) + 1
    width = inner + 2 * MARGIN
    height = MARGIN + TITLE + layout.height + (MARGIN + rows * KEY if rows else 0) + MARGIN
    left = MARGIN + (inner - layout.width) // 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="nnrun" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        " font-family=\"Helvetica, Arial, 'Liberation Sans', sans-serif\">",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
        _text(MARGIN, MARGIN + 12, picture.title, "heading", "ink"),
        f'<g transform="translate({left},{MARGIN + TITLE})">',
    ]
    for frame, rect, title in layout.frames:
        parts.append(f'<g><rect class="frame {frame.kind}" {_rect(rect)} rx="10"/>')
        parts.append(f"{_text(title, rect.y + 15, frame.title, 'title', f'title-{frame.kind}')}</g>")
    drawn: dict[object, list[Points]] = {}
    for route in layout.routes:
        arrow = route.arrow
        before = drawn.setdefault((arrow.source, arrow.kind, picture.mark(arrow)), [])
        parts.append(_arrow(route, picture, branch(route.points, before)))
        before.append(route.points)
    for box, rect in layout.boxes:
        mark = picture.marks.get(box.name, "")
        parts.append(f'<g><title>{escape(chr(10).join(whole[box.name]))}</title><rect class="box {box.kind} {mark}" {_rect(rect)} rx="6"/>')
        top = rect.y + (rect.height - len(box.lines) * SVG.line) // 2
        for number, line in enumerate(box.lines):
            style: Style = "plain" if number else "heading"
            x = rect.x + (rect.width - pixels(line, style)) // 2
            parts.append(_text(x, top + number * SVG.line + 12, line, style, "soft" if number else "ink"))
        parts.append("</g>")
    parts.append("</g>")
    top = MARGIN + TITLE + layout.height + MARGIN
    parts += [_key(entry, MARGIN + x, top + row * KEY) for row, x, entry in entries]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _rect(rect: Rect) -> str:
    return f'x="{rect.x}" y="{rect.y}" width="{rect.width}" height="{rect.height}"'


def _text(x: int, y: int, text: str, style: Style, name: str) -> str:
    if not text:
        return ""
    weight = ' font-weight="bold"' if style == "heading" else ""
    return (
        f'<text class="{name}" x="{x}" y="{y}" font-size="{SIZES[style]:g}"{weight} textLength="{pixels(text, style)}"'
        f' lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
    )


def branch(points: Points, drawn: Sequence[Points]) -> Points:
    """The way from where it leaves those that are drawn already, with a little of the common line before it, for a round corner."""
    best: tuple[float, Points] = (0, points)
    for other in drawn:
        passed = 0.0
        for at, (start, end, third, fourth) in enumerate(zip(points, points[1:], other, other[1:], strict=False)):
            same = start == third and _length(start, end) and _toward(start, end) == _toward(third, fourth)
            along = min(_length(start, end), _length(third, fourth)) if same else 0.0
            if same and passed + along > best[0]:
                back = max(0.0, along - ROUND)
                x, y = _toward(start, end)
                best = passed + along, ((round(start[0] + x * back), round(start[1] + y * back)), *points[at + 1 :])
            if not same or end != fourth:
                break
            passed += along
    return best[1]


def _toward(start: Sequence[float], end: Sequence[float]) -> tuple[int, int]:
    """The direction of an upright or level line."""
    return (end[0] > start[0]) - (end[0] < start[0]), (end[1] > start[1]) - (end[1] < start[1])


def _arrow(route: Route, picture: Picture, points: Points) -> str:
    arrow, mark = route.arrow, picture.mark(route.arrow) or ""
    signs = {"symmetric": "<->", "delayed": "-> later:"}
    title = f"{arrow.source} {signs.get(arrow.kind, '->')} {arrow.target}" + (f" ({arrow.label})" if arrow.label else "")
    both = arrow.kind == "symmetric"
    parts = [f'<g><title>{escape(title)}</title><path class="{arrow.kind} {mark}" d="{_way(points, both)}"/>']
    parts += [_head(route.points[-2], route.points[-1], mark)]
    parts += [_head(route.points[1], route.points[0], mark)] if both else []
    return "".join([*parts, _text(*route.label, arrow.label, "small", mark or "soft"), "</g>"])


def _way(points: Points, both: bool) -> str:
    """A path with round corners, which ends within its heads."""
    ends: list[tuple[float, float]] = [*points]
    ends[-1] = _short_of(points[-2], points[-1], HEAD - 2)
    if both:
        ends[0] = _short_of(points[1], points[0], HEAD - 2)
    parts = [f"M{ends[0][0]:g},{ends[0][1]:g}"]
    for before, here, after in zip(ends, ends[1:], ends[2:], strict=False):
        reach = min(ROUND, _length(before, here) / 2, _length(here, after) / 2)
        start, end = _short_of(before, here, reach), _short_of(after, here, reach)
        parts.append(f"L{start[0]:g},{start[1]:g}Q{here[0]:g},{here[1]:g} {end[0]:g},{end[1]:g}")
    return "".join([*parts, f"L{ends[-1][0]:g},{ends[-1][1]:g}"])


def _length(one: Sequence[float], other: Sequence[float]) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])


def _short_of(start: Sequence[float], end: Sequence[float], by: float) -> tuple[float, float]:
    """The point on the line from `start` that lies `by` before its end."""
    length = _length(start, end) or 1
    return end[0] - (end[0] - start[0]) * by / length, end[1] - (end[1] - start[1]) * by / length


def _head(before: Sequence[float], tip: Sequence[float], mark: str) -> str:
    back = _short_of(before, tip, HEAD)
    across = ((tip[1] - back[1]) / 2, (back[0] - tip[0]) / 2)
    corners = (tip, (back[0] + across[0], back[1] + across[1]), (back[0] - across[0], back[1] - across[1]))
    return f'<polygon class="head {mark}" points="{" ".join(f"{x:g},{y:g}" for x, y in corners)}"/>'


def _rows(entries: Iterable[Entry], width: int) -> Iterable[tuple[int, int, Entry]]:
    """Entries of the legend with their row and place, as many in a row as fit."""
    row = x = 0
    for entry in entries:
        wide = 34 + pixels(entry.text, "small")
        if x and x + wide > width:
            row, x = row + 1, 0
        yield row, x, entry
        x += wide + 18


def _key(entry: Entry, x: int, y: int) -> str:
    text = _text(x + 34, y + 10, entry.text, "small", "soft")
    if entry.what == "arrow":
        points = ((x, y + 6), (x + 26, y + 6))
        both = entry.kind == "symmetric"
        heads = _head(*points, "") + (_head(*points[::-1], "") if both else "")
        return f'<g><path class="{entry.kind}" d="{_way(points, both)}"/>{heads}{text}</g>'
    kind = f"node {entry.kind}" if entry.what == "mark" else entry.kind
    return f'<g><rect class="box {kind}" x="{x}" y="{y}" width="26" height="12" rx="3"/>{text}</g>'
