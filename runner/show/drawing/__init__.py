"""A graph as a picture: SVG, boxes in a terminal, or Graphviz's DOT."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from nnrun.runner.compiler.check import Checked
from nnrun.runner.show.drawing.content import picture_of
from nnrun.runner.show.drawing.dot import picture_dot
from nnrun.runner.show.drawing.picture import Marks
from nnrun.runner.show.drawing.svg import picture_svg
from nnrun.runner.show.drawing.text import picture_text, shows_lines
from nnrun.runner.show.drawing.together import renamed, together


def graph_svg(checked: Checked, marks: Marks | None = None) -> str:
    """The graph as SVG."""
    return picture_svg(picture_of(checked, marks))


def difference_svg(before: Checked, after: Checked, names: Mapping[str, str], same: Collection[str]) -> str:
    """Two graphs in one picture as SVG, what differs marked.

    `names` tells what nodes and fields of the first are called in the second, and `same` names those that mean the same, though they may
    be written otherwise.
    """
    both = together(renamed(picture_of(before), names), picture_of(after))
    return picture_svg(replace(both, marks={place: mark for place, mark in both.marks.items() if place not in same}))


def graph_dot(checked: Checked) -> str:
    """The graph for Graphviz."""
    return picture_dot(picture_of(checked))


def graph_text(checked: Checked, width: int = 100, encoding: str | None = "utf-8") -> str:
    """The graph as boxes in a terminal that is `width` columns wide, with plain signs where its encoding has no lines."""
    return picture_text(picture_of(checked), width, ascii=not shows_lines(encoding))
