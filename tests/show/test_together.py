"""Two pictures in one."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given

from nnrun.runner.show.drawing.picture import Arrow, Box, Frame, Picture
from nnrun.runner.show.drawing.svg import picture_svg
from nnrun.runner.show.drawing.together import together
from tests.show.support import pictures


def picture(text: str, *, units: int = 3) -> Picture:
    """Boxes in a chain, one letter each."""
    boxes = tuple(Box(name, "node", (name, f"linear, units {units if name == 'b' else 3}")) for name in text)
    return Picture(text, boxes, tuple(Arrow(one, other, "forward") for one, other in pairwise(text)))


@given(picture=pictures())
def test_a_picture_with_itself_is_itself_without_marks(picture: Picture) -> None:
    both = together(picture, picture)

    assert both == picture


def test_what_came_and_went_is_marked_with_its_arrows() -> None:
    both = together(picture("abd"), picture("acd"))

    assert both.marks == {
        "b": "gone", "c": "added", ("a", "b"): "gone", ("b", "d"): "gone", ("a", "c"): "added", ("c", "d"): "added",
    }  # fmt: skip
    assert [box.name for box in both.boxes] == ["a", "b", "c", "d"]


def test_another_option_is_a_change() -> None:
    both = together(picture("abc"), picture("abc", units=4))

    assert both.marks == {"b": "changed"}
    assert both.boxes[1].lines == ("b", "linear, units 4")


def test_an_edge_that_became_delayed_is_a_change() -> None:
    boxes = picture("ab").boxes
    both = together(Picture("", boxes, (Arrow("a", "b", "forward"),)), Picture("", boxes, (Arrow("a", "b", "delayed"),)))

    assert both.marks == {("a", "b"): "changed"}


def test_a_loop_that_grew_is_one_frame() -> None:
    before, after = (Frame("loop", "each tick", frozenset(members)) for members in ("ab", "abc"))
    both = together(Picture("", picture("abc").boxes, (), (before,)), Picture("", picture("abc").boxes, (), (after,)))

    assert both.frames == (after,)


def test_both_are_drawn_as_any_picture() -> None:
    svg = picture_svg(together(picture("abd"), picture("acd")))

    assert svg.count('class="box node gone"') == svg.count('class="box node added"') == 1 + 1  # and the legend's
