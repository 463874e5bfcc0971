"""Lines of digits, and the number that each spells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field as Option

from nnrun.registry.catalog import register
from nnrun.registry.data.digits.handwritten import SIDE, Portion
from nnrun.registry.data.digits.made import MadeOfDigits
from nnrun.registry.source import Column

if TYPE_CHECKING:
    import numpy as np

_HEIGHT = 12
"""Pixels of a column; a digit of 8 has four to spare."""

_DIGITS = (3, 8)
"""Of the shortest and of the longest line."""

_GAPS = (-2, 2)
"""Columns between two digits; below 0 they lie one over the other."""


@register
class DigitLines(MadeOfDigits):
    """Generated lines: three to eight real handwritten digits beside each other, and what they spell, without saying where.

    A line is read from left to right: at each tick a column of 12 pixels, from 0 to 1. Each digit, 8 by 8, stands at a height
    of its own, and follows the one before with up to two empty columns between them, or lies over its last one or two; the
    brighter pixel is seen. Digits, heights, gaps and how many there are, are drawn independently, all alike likely.

    `split: {by: part}` keeps to the column `part`, for which the 1,797 digits of the source `digits` were parted first: no
    digit of one part is seen in another.

    Baselines, share of the test lines that are read without an error, and characters that are wrong for each one there is: the
    most frequent number 0.000 and 0.838; logistic regression on what stands between empty columns, of ten columns or more cut
    evenly, 0.713 and 0.062.
    Source: generated; the digits of Alpaydin & Kaynak 1998 in scikit-learn.
    """

    source: Literal["digit_lines"]
    shares: ClassVar[Mapping[str, float]] = {"train": 0.6, "valid": 0.2, "test": 0.2}
    lines: Annotated[int, Option(ge=10)] = 8000
    """How many lines: three fifths for training, a fifth each for validation and test."""

    @property
    def makes(self) -> int:
        return self.lines

    def shown(self) -> dict[str, Column]:
        return {
            "line": Column("series", {"size": _HEIGHT}, "the columns of a picture, from left to right"),
            "number": Column("text", {"tokens": "characters"}, "the digits in their order, such as 40177"),
        }

    def examples(self, portion: Portion, rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
        for _ in range(portion.count):
            chosen = rng.integers(0, len(portion.images), rng.integers(*_DIGITS, endpoint=True))
            yield _line(portion.images[chosen], rng), "".join(map(str, portion.digits[chosen]))


def _line(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The columns (T, H) of digits beside each other."""
    import numpy as np

    gaps = rng.integers(*_GAPS, len(images), endpoint=True)
    places = np.maximum(gaps[0], 0) + np.arange(len(images)) * SIDE + np.append(0, gaps[1:].cumsum())
    heights = rng.integers(0, _HEIGHT - SIDE, len(images), endpoint=True)
    line = np.zeros((places[-1] + SIDE, _HEIGHT), "float32")
    for image, place, height in zip(images, places, heights, strict=True):
        under = line[place : place + SIDE, height : height + SIDE]
        np.maximum(under, image.T / np.float32(255), out=under)
    return line
