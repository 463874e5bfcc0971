"""Laws of layouts: nothing lies on anything else, over all of the gallery and over random pictures."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings

from nnrun.runner.show.drawing.picture import Arrow, Box, Picture
from nnrun.runner.show.drawing.places.grid import Rect
from nnrun.runner.show.drawing.places.layout import Layout, lay_out
from nnrun.runner.show.drawing.places.media import SVG, TEXT, Medium
from nnrun.runner.show.drawing.shrink import narrowed
from tests.show.support import GALLERY, cuts, gallery_picture, inside, labels, meet, overlapping, pictures, pieces, run_overs, titles
from tests.tracking.support import ROOT

Law = Callable[[Layout, Medium], None]

MEDIA = pytest.mark.parametrize("medium", [SVG, TEXT], ids=["svg", "text"])


def boxes_do_not_overlap(layout: Layout, medium: Medium) -> None:
    assert overlapping([rect for _, rect in layout.boxes]) == []


def no_arrow_cuts_a_box(layout: Layout, medium: Medium) -> None:
    ways = [(route.arrow, piece) for route in layout.routes for piece in pieces(route)]

    assert [(arrow, box.name) for arrow, piece in ways for box, rect in layout.boxes if cuts(piece, rect)] == []


def arrows_end_at_their_boxes(layout: Layout, medium: Medium) -> None:
    rects = {box.name: rect for box, rect in layout.boxes}
    for route in layout.routes:
        source, target = rects[route.arrow.source], rects[route.arrow.target]
        (x, y), (across, down) = route.points[0], route.points[-1]
        if route.arrow.source == route.arrow.target:
            assert x == across == source.x + source.width
            assert source.y < down < y < source.y + source.height
        else:
            assert (y, down) == (source.y + source.height, target.y)
            assert source.x < x < source.x + source.width
            assert target.x < across < target.x + target.width


def arrows_are_upright_or_level(layout: Layout, medium: Medium) -> None:
    assert all(0 in (piece.width, piece.height) for route in layout.routes for piece in pieces(route))


def labels_lie_on_nothing(layout: Layout, medium: Medium) -> None:
    texts = [*labels(layout, medium), *titles(layout, medium)]

    assert overlapping([*texts, *(rect for _, rect in layout.boxes)]) == []


def no_line_strikes_a_label_through(layout: Layout, medium: Medium) -> None:
    texts = [*labels(layout, medium), *titles(layout, medium)]

    assert [(text, route.arrow) for text in texts for route in layout.routes for piece in pieces(route) if cuts(piece, text)] == []


def all_ink_is_inside(layout: Layout, medium: Medium) -> None:
    paper = Rect(0, 0, layout.width, layout.height)
    ink = [rect for _, rect in layout.boxes] + [framed.rect for framed in layout.frames] + labels(layout, medium) + titles(layout, medium)
    ink += [piece for route in layout.routes for piece in pieces(route)]

    assert [rect for rect in ink if not inside(rect, paper)] == []


def frames_hold_their_members_alone(layout: Layout, medium: Medium) -> None:
    for frame, outline, _ in layout.frames:
        for box, rect in layout.boxes:
            assert inside(rect, outline) if box.name in frame.members else not meet(rect, outline)


def frames_lie_in_each_other_or_apart(layout: Layout, medium: Medium) -> None:
    outlines = [framed.rect for framed in layout.frames]

    assert [pair for pair in overlapping(outlines) if not (inside(*pair) or inside(*pair[::-1]))] == []


def all_is_there_once(layout: Layout, medium: Medium) -> None:
    assert [box for box, _ in layout.boxes] == list(layout.picture.boxes)
    assert sorted(map(repr, (route.arrow for route in layout.routes))) == sorted(map(repr, layout.picture.arrows))
    members = [frozenset(frame.members) for frame, _, _ in layout.frames]
    for frame in layout.picture.frames:
        assert frozenset().union(*(part for part in members if part <= frame.members)) == frame.members


LAWS = [
    boxes_do_not_overlap,
    no_arrow_cuts_a_box,
    arrows_end_at_their_boxes,
    arrows_are_upright_or_level,
    labels_lie_on_nothing,
    no_line_strikes_a_label_through,
    all_ink_is_inside,
    frames_hold_their_members_alone,
    frames_lie_in_each_other_or_apart,
    all_is_there_once,
]


@MEDIA
@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_the_gallery_obeys_all_laws(path: Path, medium: Medium) -> None:
    layout = lay_out(narrowed(gallery_picture(path), 30), medium)

    for law in LAWS:
        law(layout, medium)


@MEDIA
@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_no_line_of_the_gallery_runs_over_another(path: Path, medium: Medium) -> None:
    layout = lay_out(narrowed(gallery_picture(path), 30), medium)

    assert run_overs(layout) == []


@MEDIA
@given(picture=pictures())
@settings(max_examples=60, deadline=None)
def test_random_pictures_obey_all_laws(medium: Medium, picture: Picture) -> None:
    layout = lay_out(picture, medium)

    for law in LAWS:
        law(layout, medium)


def test_lines_that_begin_where_another_ends_move_aside() -> None:
    boxes = tuple(Box(name, "node", (name * width,)) for name, width in (("a", 10), ("b", 2), ("c", 8), ("d", 7)))
    arrows = tuple(Arrow(source, target, "forward") for source, target in ("ab", "ac", "ad", "bc", "bd"))

    assert run_overs(lay_out(Picture("", boxes, arrows), TEXT)) == []


def test_what_is_read_stands_above_what_reads_it() -> None:
    layout = lay_out(gallery_picture(ROOT / "specs" / "dbn_digits.yaml"), SVG)
    tops = {box.name: rect.y for box, rect in layout.boxes}

    assert tops["image"] < tops["visible"] < tops["hidden"] < tops["second"] < tops["deeper"] < tops["scores"] < tops["judged:0"]


def test_the_order_of_the_spec_decides_where_nothing_else_does() -> None:
    boxes = tuple(Box(name, "node", (name,)) for name in "xdcba")
    layout = lay_out(Picture("", boxes, tuple(Arrow("x", name, "forward") for name in "dcba")), SVG)

    assert sorted("dcba", key={box.name: rect.x for box, rect in layout.boxes}.__getitem__) == ["d", "c", "b", "a"]


def test_a_row_of_single_reads_is_one_straight_line() -> None:
    names = ["a", "bbbbbbbbbbbb", "cc", "dddddddddddddddddddddd"]
    boxes = tuple(Box(name, "node", (name,)) for name in names)
    layout = lay_out(Picture("", boxes, tuple(Arrow(one, other, "forward") for one, other in pairwise(names))), SVG)

    assert len({x for route in layout.routes for x, _ in route.points}) == 1


@pytest.mark.parametrize("size", [40, 400])
def test_layouts_of_large_graphs_obey_all_laws(size: int) -> None:
    boxes = tuple(Box(f"n{at}", "node", (f"n{at}", "linear, units 16")) for at in range(size))
    arrows = tuple(Arrow(f"n{at - back}", f"n{at}", "forward") for at in range(4, size) for back in (1, 4))
    layout = lay_out(Picture("", boxes, arrows), SVG)

    for law in LAWS:
        law(layout, SVG)
