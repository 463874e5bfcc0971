"""Real handwritten digits as parts that share no image, for sources that put them together to something new."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SIDE = 8
"""Pixels."""


def parted_digits(shares: Mapping[str, float], rng: np.random.Generator) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The 1,797 digits of scikit-learn in a random order, divided: for each part images (n, H, W) of 8 bits, and what they show.

    What is made of the digits of one part shows no digit of another, so that a test is about images never seen.
    """
    import numpy as np
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.round(digits.images / 16 * 255).astype(np.uint8)
    cuts = (np.cumsum(list(shares.values()))[:-1] * len(images)).round().astype(int)
    return {
        part: (images[rows], digits.target[rows]) for part, rows in zip(shares, np.split(rng.permutation(len(images)), cuts), strict=True)
    }
