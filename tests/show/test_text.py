"""The drawing in a terminal: boxes where they fit, a list where not, plain signs where the encoding has no lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnrun.runner.compiler.check import check
from nnrun.runner.show.drawing import graph_dot, graph_text
from nnrun.runner.show.drawing.picture import Arrow, Box, Frame, Picture
from nnrun.runner.show.drawing.places.media import cells
from nnrun.runner.show.drawing.text import picture_text, shows_lines
from tests.compiler.support import spec
from tests.show.support import GALLERY, checked, pictures
from tests.tracking.support import ROOT

SMALL = Picture(
    "small",
    (Box("x", "field", ("x",)), Box("h", "node", ("h", "linear"))),
    (Arrow("x", "h", "forward"), Arrow("h", "h", "delayed", "1 tick ago")),
    (Frame("loop", "each tick", frozenset({"h"})),),
)


def test_boxes_frames_and_loops_are_lines() -> None:
    assert picture_text(SMALL, 80).splitlines() == [
        "small",
        "",
        "     ┌───┐",
        "     │ x │",
        "     └───┘",
        "       │",
        "       │",
        "╭──────│ each tick ─────────╮",
        "│      │                    │",
        "│      ▼                    │",
        "│ ┌────────┐                │",
        "│ │   h    │◀┄┄┐            │",
        "│ │ linear │┄┄┄┘ 1 tick ago │",
        "│ └────────┘                │",
        "│                           │",
        "╰───────────────────────────╯",
        "",
        "┄┄┄ is read some ticks later",
    ]


def test_plain_signs_are_ascii_in_the_same_places() -> None:
    lines, plain = picture_text(SMALL, 80), picture_text(SMALL, 80, ascii=True)

    assert plain.isascii()
    assert [len(line) for line in plain.splitlines()] == [len(line) for line in lines.splitlines()]


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
@pytest.mark.parametrize("width", [60, 100])
def test_no_line_is_wider_than_the_terminal(path: Path, width: int) -> None:
    known = checked(path)
    text = graph_text(known, width)
    assert known.graph is not None

    assert max(cells(line, "plain") for line in text.splitlines()[1:]) <= width
    assert all(name.rpartition("/")[2] in text for name in known.graph.nodes)


@given(picture=pictures(), width=st.integers(20, 120))
@settings(max_examples=40)
def test_random_pictures_keep_to_the_width(picture: Picture, width: int) -> None:
    assert max(map(len, picture_text(picture, width).splitlines())) <= width


def test_a_narrower_terminal_gets_less_in_its_boxes() -> None:
    assert "t-1" in picture_text(SMALL, 20)
    assert "linear" not in picture_text(SMALL, 20)


def test_a_terminal_too_narrow_for_boxes_gets_a_list() -> None:
    boxes = tuple(Box(name, "node", (name, "linear")) for name in "abcdef")
    text = picture_text(Picture("row", boxes, (Arrow("a", "b", "forward"), Arrow("c", "c", "delayed", "1 tick ago"))), 30)

    assert text.splitlines()[:6] == ["row", "a: linear", "b: linear", "    <- a", "c: linear", "    <~ c (1 tick ago)"]


@pytest.mark.parametrize(("encoding", "able"), [("utf-8", True), ("ascii", False), ("latin-1", False), (None, False), ("no-such", False)])
def test_lines_need_an_encoding_that_has_them(encoding: str | None, able: bool) -> None:
    assert shows_lines(encoding) is able
    assert graph_text(check(spec()), 80, encoding).isascii() is not able


def test_wide_letters_take_two_columns() -> None:
    text = picture_text(Picture("", (Box("a", "node", ("名前", "x")),), ()), 80)

    assert [cells(line, "plain") for line in text.splitlines()[2:6]] == [8] * 4


def test_dot_draws_frames_as_clusters() -> None:
    text = graph_dot(checked(ROOT / "specs" / "inception_digits.yaml"))

    assert text.count("subgraph cluster_") == 2
    assert '"mixed1/a" -> "mixed1/join"' in text
