"""What a layout must know of the medium: how wide a text is, and how much room things take. Whole numbers: pixels, or cells."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Literal

Style = Literal["heading", "plain", "small", "title"]


@dataclass(frozen=True)
class Medium:
    """Sizes of what is drawn."""

    measure: Callable[[str, Style], int]
    """How wide a text is."""
    line: int
    """From one line of a box to the next."""
    pad: tuple[int, int]
    """Between the border of a box and its text, sideways and above."""
    gap: int
    """Between neighbours in a row."""
    lane: int
    """What a line takes that passes a row, with the room beside it."""
    pin: int
    """Between two lines that end at one side of a box."""
    near: int
    """Verticals of different arrows must be that far apart to be told from each other."""
    track: int
    """Between two horizontal lines."""
    plain: int
    """Between two rows, where all lines are straight."""
    stub: int
    """Under a row, before the first horizontal line."""
    head: int
    """Over a row, for the heads of arrows and the labels beside them."""
    label: tuple[int, int]
    """From the tip of an arrow to its label: to the right, and up to the line it stands on."""
    loop: tuple[int, int]
    """How far an arrow from a box to itself reaches out, and how high it is at least."""
    frame: int
    """Between a frame and what it holds."""
    title: int
    """Height of a frame's title."""


SIZES: dict[Style, float] = {"heading": 13, "plain": 12, "small": 10.5, "title": 11.5}
"""Of the letters of an SVG, in pixels."""

_WIDE, _BOLD = 1.0, 1.08
# Of Helvetica, whose widths Arial and Liberation Sans share, in thousandths of the size, from the space to the tilde.
_WIDTHS = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 584 584 584 556 "
    "1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 "
    "333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584"
)
_HELVETICA = {chr(32 + place): int(width) / 1000 for place, width in enumerate(_WIDTHS.split())}


def pixels(text: str, style: Style) -> int:
    """How wide a text is in Helvetica. An SVG says it with the text, so that another font is fitted in."""
    width = sum(_HELVETICA.get(letter) or (_WIDE if _is_wide(letter) else 0.0 if unicodedata.combining(letter) else 0.7) for letter in text)
    return ceil(width * SIZES[style] * (_BOLD if style == "heading" else 1))


def cells(text: str, style: Style) -> int:
    """How many columns of a terminal a text takes."""
    return sum(0 if unicodedata.combining(letter) else 2 if _is_wide(letter) else 1 for letter in text)


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"


SVG = Medium(
    measure=pixels,
    line=16,
    pad=(12, 9),
    gap=26,
    lane=16,
    pin=16,
    near=6,
    track=9,
    plain=32,
    stub=14,
    head=18,
    label=(7, 6),
    loop=(20, 22),
    frame=14,
    title=20,
)

TEXT = Medium(
    measure=cells,
    line=1,
    pad=(2, 1),
    gap=3,
    lane=2,
    pin=4,
    near=1,
    track=1,
    plain=2,
    stub=1,
    head=2,
    label=(2, 1),
    loop=(3, 2),
    frame=2,
    title=1,
)
