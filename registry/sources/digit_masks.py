"""Scenes with a few digits, and the class of each pixel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field as Option

from nnrun.registry.catalog import register
from nnrun.registry.data.digits.handwritten import CLASSES, SIDE, Portion
from nnrun.registry.data.digits.made import MadeOfDigits
from nnrun.registry.source import Column

if TYPE_CHECKING:
    import numpy as np

_SIZE = 24
"""Side of a scene, in pixels."""

_INK = 64
"""Of 255: from there on a pixel is part of its digit."""

_NOISE = 40
"""Standard deviation of the noise, of 255."""


@register
class DigitMasks(MadeOfDigits):
    """Generated scenes: one to three real handwritten digits in noise, and which pixel belongs to which digit.

    A scene is a square of 24 by 24 pixels of 8 bits. Digits of 8 by 8 pixels stand anywhere in it without covering each other, and
    Gaussian noise of a deviation of 40 is added to each pixel, cut off at 0 and 255. The mask has for each pixel 0, the background, or
    1 + the digit whose stroke it is, from a quarter of the full ink on. Digits, places and how many there are, are drawn independently,
    all alike likely.

    `split: {by: part}` keeps to the column `part`, for which the 1,797 digits of the source `digits` were parted first: no
    digit of one part is seen in another.

    Baselines, mean IoU over the eleven classes of the test part: all background 0.083; what is brighter than a threshold as the
    commonest digit 0.100; logistic regression on the 11 by 11 pixels around each 0.220. A threshold tells whether a pixel is ink at
    0.872, of these two classes.
    Source: generated; the digits of Alpaydin & Kaynak 1998 in scikit-learn.
    """

    source: Literal["digit_masks"]
    scenes: Annotated[int, Option(ge=10)] = 2500
    """How many scenes: eight tenths for training, a tenth each for validation and test."""

    @property
    def makes(self) -> int:
        return self.scenes

    def shown(self) -> dict[str, Column]:
        return {
            "scene": Column("image", {"size": (_SIZE, _SIZE), "channels": 1}),
            "mask": Column("mask", {"size": (_SIZE, _SIZE), "classes": ("background", *CLASSES)}, "what each pixel shows"),
        }

    def examples(self, portion: Portion, rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
        for _ in range(portion.count):
            chosen = rng.integers(0, len(portion.images), rng.integers(1, 3, endpoint=True))
            yield _scene(portion.images[chosen], portion.digits[chosen], rng)

    def finished(self, columns: dict[str, list[Any]], rng: np.random.Generator) -> Mapping[str, Any]:
        import numpy as np

        inks = np.stack(columns["scene"])
        noisy = inks + rng.normal(0, _NOISE, inks.shape)
        return {**columns, "scene": noisy.round().clip(0, 255).astype(np.uint8), "mask": np.stack(columns["mask"])}


def _scene(images: np.ndarray, digits: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A scene without noise, and its mask."""
    import numpy as np

    ink, mask = np.zeros((_SIZE, _SIZE), np.uint8), np.zeros((_SIZE, _SIZE), np.uint8)
    for image, digit, (row, column) in zip(images, digits, _places(len(images), rng), strict=True):
        square = slice(row, row + SIDE), slice(column, column + SIDE)
        ink[square] = image
        mask[square] = np.where(image >= _INK, 1 + digit, 0)
    return ink, mask


def _places(count: int, rng: np.random.Generator) -> np.ndarray:
    """Upper left corners of squares that do not cover each other, (count, 2)."""
    import numpy as np

    while True:
        places = rng.integers(0, _SIZE - SIDE, (count, 2), endpoint=True)
        apart = np.abs(places[:, None] - places).max(-1) >= SIDE
        if (apart | np.eye(count, dtype=bool)).all():
            return places
