"""Real handwritten digits: as columns of images and classes, and as parts for sources that put them together to something new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnrun.registry.data.reading import shipped
from nnrun.registry.source import Column

if TYPE_CHECKING:
    import numpy as np

SIDE = 8
"""Pixels."""

CLASSES = tuple("0123456789")


def digit_columns(side: int = SIDE, about: str = "") -> dict[str, Column]:
    """Grey images of digits, and what they show."""
    return {"image": Column("image", {"size": (side, side), "channels": 1}, about), "digit": Column("category", {"classes": CLASSES})}


def handwritten() -> tuple[np.ndarray, np.ndarray]:
    """The 1,797 digits of scikit-learn: images (n, H, W) whose pixels count the dark ones among 16, and what they show (n,)."""
    table = shipped("digits.csv.gz")
    return table[:, :-1].reshape(-1, SIDE, SIDE), table[:, -1].astype(int)


@dataclass(frozen=True)
class Portion:
    """The digits from which one part is made."""

    part: str
    images: np.ndarray
    """(n, H, W) of 8 bits."""
    digits: np.ndarray
    count: int
    """How many examples are to be made of them."""


def parted_digits(shares: Mapping[str, float], total: int, rng: np.random.Generator) -> Iterator[Portion]:
    """The digits in a random order, and a number of examples, divided by shares.

    What is made of the digits of one part shows no digit of another, so that a test is about images never seen.
    """
    import numpy as np

    images, digits = handwritten()
    images = np.round(images / 16 * 255).astype(np.uint8)
    cuts = np.cumsum(list(shares.values()))[:-1]
    groups = np.split(rng.permutation(len(images)), (cuts * len(images)).round().astype(int))
    counts = np.diff([0, *(cuts * total).round().astype(int), total])
    for part, rows, count in zip(shares, groups, counts, strict=True):
        yield Portion(part, images[rows], digits[rows], int(count))
