"""Films of moving digits, made up from real ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field as Option

from nnrun.registry.catalog import register
from nnrun.registry.data.digits.handwritten import CLASSES, Portion
from nnrun.registry.data.digits.made import MadeOfDigits
from nnrun.registry.source import Column

if TYPE_CHECKING:
    import numpy as np

_WAYS = {"down": (1, 0), "left": (0, -1), "right": (0, 1), "up": (-1, 0)}
"""Rows and columns that a step adds."""


_FRAMES = (6, 10)
"""Of the shortest and of the longest film."""

_STRETCH = 2
"""Steps that a digit goes one way, at least."""


@register
class DigitFilms(MadeOfDigits):
    """Generated films: a real handwritten digit moves over a dark square, one way, then another.

    A film has 6 to 10 frames of 8 bits. From one frame to the next the digit moves by one pixel up, down, left or right; what
    leaves the square on one side comes in on the other. At one frame, from the third on, it turns to another way. Digit,
    place, way and length are drawn independently, all alike likely.

    `split: {by: part}` keeps to the column `part`, for which the 1,797 digits of the source `digits` were parted first: no
    digit of one part is seen in another.

    Baselines for `way`, by construction: any way, or the last frame alone, 0.250; the last two frames, which show the way
    that the digit has turned to, 0.333; the ways without their order 0.500. For `labels`: as at the frame before 0.780.
    Source: generated, after the moving digits of Srivastava, Mansimov & Salakhutdinov 2015, Unsupervised learning of video
    representations using LSTMs; the digits of Alpaydin & Kaynak 1998 in scikit-learn.
    """

    source: Literal["digit_films"]
    shares: ClassVar[Mapping[str, float]] = {"train": 0.6, "valid": 0.2, "test": 0.2}
    films: Annotated[int, Option(ge=10)] = 2000
    """How many films: three fifths for training, a fifth each for validation and test."""
    size: Annotated[int, Option(ge=8, le=256)] = 12
    """Side of the square, in pixels; a digit has 8."""

    @property
    def makes(self) -> int:
        return self.films

    def shown(self) -> dict[str, Column]:
        ways = {"classes": tuple(_WAYS)}
        return {
            "film": Column("video", {"size": (self.size, self.size), "channels": 1}),
            "way": Column("category", ways, "the way in which the digit sets out"),
            "labels": Column("category", ways | {"along": "film"}, "at each frame, the way in which the digit goes on"),
            "digit": Column("category", {"classes": CLASSES}),
        }

    def examples(self, portion: Portion, rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
        for index in rng.choice(len(portion.images), portion.count):
            labels = _labels(rng)
            yield _film(portion.images[index], labels, self.size, rng), labels[0], labels, portion.digits[index]


def _labels(rng: np.random.Generator) -> list[str]:
    """At each frame of a film the way to the next; at the last one, the way there would be."""
    steps = int(rng.integers(_FRAMES[0], _FRAMES[1], endpoint=True)) - 1
    first, second = rng.choice(list(_WAYS), 2, replace=False).tolist()
    turn = int(rng.integers(_STRETCH, steps - _STRETCH, endpoint=True))
    return [first] * turn + [second] * (steps - turn + 1)


def _film(image: np.ndarray, labels: list[str], size: int, rng: np.random.Generator) -> np.ndarray:
    """Frames (T, H, W) of a digit that follows the labels."""
    import numpy as np

    frame = np.zeros((size, size), image.dtype)
    frame[: len(image), : len(image)] = image
    place = rng.integers(0, size, 2)
    frames = []
    for way in labels:
        frames.append(np.roll(frame, place, axis=(0, 1)))
        place = place + _WAYS[way]
    return np.stack(frames)
