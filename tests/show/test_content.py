"""What a picture shows: frames that cross are parted, blocks closed where there are too many boxes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

from nnrun.runner.compiler.check import check
from nnrun.runner.show.drawing.content import picture_of
from nnrun.runner.show.drawing.picture import Arrow, Box, Frame, Picture
from nnrun.runner.show.drawing.places.nesting import Nest, nested
from nnrun.runner.show.drawing.places.rows import rows_of
from nnrun.runner.show.drawing.shrink import closed, narrowed
from nnrun.runner.show.drawing.svg import picture_svg
from tests.compiler.support import reviews, spec
from tests.show.support import gallery_picture, pictures
from tests.tracking.support import ROOT


def frames(nest: Nest) -> list[frozenset[str]]:
    return [nest.members, *(members for inner in nest.nests for members in frames(inner))]


@given(picture=pictures())
def test_frames_become_a_tree(picture: Picture) -> None:
    found = frames(nested(picture))

    assert all(one <= other or other <= one or not one & other for one in found for other in found)


def test_a_frame_that_crosses_an_earlier_one_is_drawn_in_parts() -> None:
    boxes = tuple(Box(name, "node", (name,)) for name in "abc")
    loop, block = Frame("loop", "", frozenset("ab")), Frame("block", "", frozenset("bc"))

    assert sorted(map(sorted, frames(nested(Picture("", boxes, (), (loop, block)))))) == [["a", "b"], ["a", "b", "c"], ["b"], ["c"]]


def test_rows_put_what_reads_below_and_data_right_above() -> None:
    edges = [("x", "a"), ("a", "b"), ("b", "loss"), ("label", "loss")]

    assert rows_of(["x", "label", "a", "b", "loss"], edges, []) == {"x": 0, "a": 1, "b": 2, "label": 2, "loss": 3}


def test_rows_let_delayed_edges_go_up() -> None:
    assert rows_of(["a", "b"], [("a", "b")], [("b", "a")]) == {"a": 0, "b": 1}


def test_rows_of_a_cycle_end() -> None:
    assert sorted(rows_of(["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "a")], []).values()) == [0, 1, 2]


def test_energy_networks_say_what_trains_them() -> None:
    picture = gallery_picture(ROOT / "specs" / "dbn_digits.yaml")

    assert [(frame.title, sorted(frame.members)) for frame in picture.frames] == [
        ("energy network, contrastive_divergence", ["hidden", "visible"]),
        ("energy network, contrastive_divergence", ["deeper", "second"]),
    ]


def test_what_writes_is_framed_with_its_choice() -> None:
    (frame,) = gallery_picture(ROOT / "specs" / "translate_numbers.yaml").frames

    assert frame.title == "when it writes: each symbol of french"
    assert frame.members == {"word", "write", "decoder", "look", "both", "drop", "scores"}


def test_inner_blocks_are_named_by_what_they_are() -> None:
    blocks = "blocks:\n  one: {nodes: {a: {type: activation, function: relu}}, edges: [input -> a -> output]}\n"
    blocks += "  two: {nodes: {left: {type: block, block: one}}, edges: [input -> left -> output]}\n"
    picture = picture_of(check(spec({"deep": "{type: block, block: two}"}, ["image -> flat -> deep -> scores"], more=blocks)))

    assert [frame.title for frame in picture.frames] == ["deep: two", "left: one"]


@pytest.mark.parametrize(
    "text",
    [
        spec({"a": "{type: linear, units: 0}"}, ["image -> flat -> a -> scores"]),
        spec({"a": "{type: linear, units: 3}", "b": "{type: linear, units: 3}"}, ["image -> flat -> a -> b -> a", "b -> scores"]),
        reviews({"h": "{type: linear, units: 3}"}, ["text -> h", "prev(h) -> h -> scores"]),
        spec({"a/b": "{type: linear, units: 3}"}, ["image -> flat -> a/b -> scores"]),
    ],
    ids=["wrong-value", "undelayed-cycle", "wrong-shapes", "wrong-name"],
)
def test_a_spec_with_errors_is_drawn_as_far_as_it_is_known(text: str) -> None:
    checked = check(text)

    assert not checked.report.ok
    assert {"scores"} <= {box.name for box in picture_of(checked).boxes}
    assert picture_svg(picture_of(checked)).endswith("</svg>\n")


def test_lines_break_behind_commas_and_none_is_left_alone() -> None:
    box = Box("a", "node", ("a", "conv, filters 32, kernel 3, padding same, relu"))

    assert narrowed(Picture("", (box,), ()), 44).boxes[0].lines == ("a", "conv, filters 32, kernel 3,", "padding same, relu")


def test_a_long_formula_is_cut() -> None:
    box = Box("a", "node", ("a", " + ".join(["abcdefgh"] * 60)))

    assert len(narrowed(Picture("", (box,), ()), 20).boxes[0].lines) == 5
    assert narrowed(Picture("", (box,), ()), 20).boxes[0].lines[-1].endswith("…")


def many(count: int, blocks: int) -> Picture:
    """Blocks of equally many nodes, each node reading the one before."""
    names = [f"b{at * blocks // count}/n{at}" for at in range(count)]
    frames = [Frame("block", f"b{number}", frozenset(name for name in names if name.startswith(f"b{number}/"))) for number in range(blocks)]
    arrows = tuple(Arrow(one, other, "forward") for one, other in pairwise(names))
    return Picture("many", tuple(Box(name, "node", (name,)) for name in names), arrows, tuple(frames))


def test_blocks_are_closed_where_there_are_too_many_boxes() -> None:
    picture = closed(many(200, 4))

    assert [box.lines for box in picture.boxes] == [(f"b{number}", "50 nodes") for number in range(4)]
    assert [(arrow.source, arrow.target) for arrow in picture.arrows] == [(f"block:{at}", f"block:{at + 1}") for at in range(3)]
    assert picture.frames == ()


def test_what_is_too_large_says_so() -> None:
    assert closed(many(1_400, 700)).boxes[0].lines[:2] == ("1,400 nodes, 1,399 edges", "too many for a picture")


def test_a_small_picture_stays_as_it_is() -> None:
    assert closed(many(100, 4)) == many(100, 4)
