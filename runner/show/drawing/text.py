"""A picture in a terminal: boxes and lines of characters, or, where it is too narrow for them, a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from textwrap import wrap
from typing import NamedTuple

from nnrun.runner.show.drawing.legend import legend
from nnrun.runner.show.drawing.picture import ArrowKind, Picture
from nnrun.runner.show.drawing.places.grid import Points, Rect
from nnrun.runner.show.drawing.places.layout import Layout, lay_out
from nnrun.runner.show.drawing.places.media import TEXT, cells
from nnrun.runner.show.drawing.shrink import closed, narrowed

Cell = tuple[int, int]

NORTH, EAST, SOUTH, WEST = 1, 2, 4, 8

LINES: Mapping[str, str] = {
    "forward": "│─└┌┐┘├┬┤┴┼",
    "judged": "│─└┌┐┘├┬┤┴┼",
    "delayed": "┆┄└┌┐┘├┬┤┴┼",
    "choice": "┊┈└┌┐┘├┬┤┴┼",
    "symmetric": "║═╚╔╗╝╠╦╣╩╬",
    "frame": "│─╰╭╮╯├┬┤┴┼",
}
"""Of each kind: upright, level, the corners, and where lines part."""

PLAIN: Mapping[str, str] = {
    "forward": "|-+++++++++",
    "judged": "|-+++++++++",
    "delayed": ":~+++++++++",
    "choice": "..+++++++++",
    "symmetric": "#=#########",
    "frame": "|-+++++++++",
}
HEADS, PLAIN_HEADS = "▲▶▼◀", "^>v<"

NARROWEST = 20
"""Columns: a terminal that has fewer gets so many all the same."""

_SHAPES = (
    (NORTH | SOUTH, NORTH, SOUTH),
    (EAST | WEST, EAST, WEST),
    (NORTH | EAST,),
    (SOUTH | EAST,),
    (SOUTH | WEST,),
    (NORTH | WEST,),
    (NORTH | SOUTH | EAST,),
    (SOUTH | EAST | WEST,),
    (NORTH | SOUTH | WEST,),
    (NORTH | EAST | WEST,),
    (NORTH | EAST | SOUTH | WEST,),
)
PLACES = {bits: place for place, shapes in enumerate(_SHAPES) for bits in shapes}


def picture_text(picture: Picture, width: int, *, ascii: bool = False) -> str:
    """The picture within so many columns: with all that is in the boxes, else with less, else as a list."""
    picture, width = closed(picture), max(width, NARROWEST)
    for columns, lines, short in ((36, None, False), (20, None, False), (16, None, True), (16, 2, True), (16, 1, True)):
        layout = lay_out(narrowed(picture, columns, lines, short=short), TEXT)
        if layout.width <= width:
            rows = [picture.title, "", *_Canvas(layout, ascii).rows(), *_legend(picture, width, ascii)]
            break
    else:
        rows = list(_listed(picture, width))
    text = "\n".join(rows) + "\n"
    return text.encode("ascii", "replace").decode("ascii") if ascii else text


def shows_lines(encoding: str | None) -> bool:
    """Whether a stream of that encoding can show the characters that lines are made of."""
    try:
        "".join([*LINES.values(), HEADS]).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class _Stroke(NamedTuple):
    line: object
    kind: str
    bits: int


class _Canvas:
    def __init__(self, layout: Layout, ascii: bool) -> None:
        self.layout = layout
        self.signs, self.heads = (PLAIN, PLAIN_HEADS) if ascii else (LINES, HEADS)
        self.letters: dict[Cell, str] = {}
        self.strokes: dict[Cell, dict[object, _Stroke]] = {}

    def rows(self) -> list[str]:
        """What is drawn, as lines of text."""
        for frame, rect, title in self.layout.frames:
            self.rectangle(rect, "frame")
            self.write(title - 1, rect.y, f" {frame.title} ")
        for route in self.layout.routes:
            arrow = route.arrow
            self.line((arrow.source, arrow.kind, self.layout.picture.mark(arrow)), arrow.kind, route.points)
        for cell, strokes in self.strokes.items():
            self.letters[cell] = self.sign(list(strokes.values()))
        for route in self.layout.routes:
            self.letters[_last(route.points)] = self.head(*route.points[-2:])
            if route.arrow.kind == "symmetric":
                self.letters[route.points[0]] = self.head(route.points[1], route.points[0])
            self.write(*route.label, route.arrow.label)
        for box, rect in self.layout.boxes:
            for x in range(rect.x, rect.x + rect.width):
                for y in range(rect.y, rect.y + rect.height):
                    self.letters[x, y] = " "
            self.rectangle(rect, "forward")
            top = rect.y + (rect.height - len(box.lines)) // 2
            for number, line in enumerate(box.lines):
                self.write(rect.x + (rect.width - cells(line, "plain")) // 2, top + number, line)
        width = range(self.layout.width)
        return ["".join(self.letters.get((x, y), " ") for x in width).rstrip() for y in range(self.layout.height)]

    def rectangle(self, rect: Rect, kind: str) -> None:
        signs = self.signs[kind]
        left, top, right, bottom = rect.x, rect.y, rect.x + rect.width - 1, rect.y + rect.height - 1
        for x in range(left, right + 1):
            self.letters[x, top] = self.letters[x, bottom] = signs[1]
        for y in range(top, bottom + 1):
            self.letters[left, y] = self.letters[right, y] = signs[0]
        for cell, place in (((left, bottom), 2), ((left, top), 3), ((right, top), 4), ((right, bottom), 5)):
            self.letters[cell] = signs[place]

    def write(self, x: int, y: int, text: str) -> None:
        """A text; behind a letter that is two columns wide stands nothing."""
        for letter in text:
            wide = cells(letter, "plain")
            if wide == 0:
                self.letters[x - 1, y] += letter
                continue
            self.letters[x, y] = letter
            if wide == 2:
                self.letters[x + 1, y] = ""
            x += wide

    def line(self, line: object, kind: ArrowKind, points: Points) -> None:
        """Strokes in all cells that a way passes."""
        stops = [*points[:-1], _last(points)]
        way = [stops[0]]
        for (x, y), (across, down) in pairwise(stops):
            steps = max(abs(across - x), abs(down - y))
            dx, dy = (across > x) - (across < x), (down > y) - (down < y)
            way += [(x + dx * step, y + dy * step) for step in range(1, steps + 1)]
        for place, cell in enumerate(way):
            bits = NORTH if place == 0 and points[1][1] > points[0][1] else 0
            for other in (*way[max(0, place - 1) : place], *way[place + 1 : place + 2]):
                bits |= EAST if other[0] > cell[0] else WEST if other[0] < cell[0] else SOUTH if other[1] > cell[1] else NORTH
            strokes = self.strokes.setdefault(cell, {})
            known = strokes.get(line)
            strokes[line] = _Stroke(line, kind, bits | (known.bits if known else 0))

    def sign(self, strokes: list[_Stroke]) -> str:
        """Where two lines cross, the upright one goes through."""
        upright = [stroke for stroke in strokes if stroke.bits & (NORTH | SOUTH)]
        stroke = (upright or strokes)[0]
        return self.signs[stroke.kind][PLACES[stroke.bits]]

    def head(self, before: Cell, tip: Cell) -> str:
        upright, level = tip[1] - before[1], tip[0] - before[0]
        return self.heads[(2 if upright > 0 else 0) if upright else (1 if level > 0 else 3)]


def _last(points: Points) -> Cell:
    """The cell before the tip: an arrow from above ends over its box, one from the right beside it."""
    (x, y), before = points[-1], points[-2]
    return (x, y - 1) if before[1] < y else (x, y)


def _legend(picture: Picture, width: int, ascii: bool) -> Iterator[str]:
    """What lines mean that are not plain."""
    signs = PLAIN if ascii else LINES
    entries = [entry for entry in legend(picture) if entry.what == "arrow" and entry.kind != "forward"]
    if entries:
        yield ""
        yield from wrap("   ".join(f"{signs[entry.kind][1] * 3} {entry.text}" for entry in entries), width)


def _listed(picture: Picture, width: int) -> Iterator[str]:
    """A line for each box, and one for each arrow that ends there."""
    signs: Mapping[ArrowKind, str] = {"delayed": "<~", "symmetric": "<->"}
    yield picture.title
    for box in picture.boxes:
        name = box.lines[0] if box.kind == "loss" else box.name
        yield from wrap(f"{name}: {', '.join(box.lines[1:])}", width, subsequent_indent="  ")
        for arrow in picture.arrows:
            label = f" ({arrow.label})" if arrow.label else ""
            line = ""
            if arrow.target == box.name:
                line = f"{signs.get(arrow.kind, '<-')} {arrow.source}{label}"
            elif arrow.source == box.name and arrow.kind == "symmetric":
                line = f"<-> {arrow.target}{label}"
            yield from wrap(line, width, initial_indent="    ", subsequent_indent="       ")
