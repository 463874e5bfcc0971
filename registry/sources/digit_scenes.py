"""Pages with a few digits, and the sentence about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field as Option

from nnrun.registry.catalog import register
from nnrun.registry.data.digits.handwritten import SIDE, Portion
from nnrun.registry.data.digits.made import MadeOfDigits
from nnrun.registry.source import Column

if TYPE_CHECKING:
    import numpy as np

_CORNERS = ("top left", "top right", "bottom left", "bottom right")

_NAMES = ("a zero", "a one", "a two", "a three", "a four", "a five", "a six", "a seven", "an eight", "a nine")

_ROOM = 14
"""Side of a corner, in pixels: a digit of 8 has six to spare each way."""


@register
class DigitScenes(MadeOfDigits):
    """Generated pages: two or three real handwritten digits, and the true sentence about them.

    A page is a dark square of 28 by 28 pixels of 8 bits. Each digit stands somewhere within a corner of its own, of 14 by 14
    pixels; digits, corners, places and how many there are, are drawn independently, all alike likely. The sentence names
    them line by line: "a seven at the top left, a two at the top right and an eight at the bottom right".

    `split: {by: part}` keeps to the column `part`, for which the 1,797 digits of the source `digits` were parted first: no
    digit of one part is seen in another.

    Baselines, share of the test sentences that are right to the letter: the commonest sentence 0.001; logistic regression on
    the pixels of each corner, whose answers make the sentence, 0.037.
    Source: generated; the digits of Alpaydin & Kaynak 1998 in scikit-learn.
    """

    source: Literal["digit_scenes"]
    scenes: Annotated[int, Option(ge=10)] = 10_000
    """How many pages: eight tenths for training, a tenth each for validation and test."""

    @property
    def makes(self) -> int:
        return self.scenes

    def shown(self) -> dict[str, Column]:
        return {
            "page": Column("image", {"size": (2 * _ROOM, 2 * _ROOM), "channels": 1}),
            "sentence": Column("text", about="what the page shows"),
        }

    def examples(self, portion: Portion, rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
        import numpy as np

        for _ in range(portion.count):
            chosen = rng.integers(0, len(portion.images), rng.integers(2, 3, endpoint=True))
            corners = np.sort(rng.choice(len(_CORNERS), len(chosen), replace=False))
            yield _page(portion.images[chosen], corners, rng), _sentence(portion.digits[chosen].tolist(), corners.tolist())

    def finished(self, columns: dict[str, list[Any]], rng: np.random.Generator) -> Mapping[str, Any]:
        import numpy as np

        return {**columns, "page": np.stack(columns["page"])}


def _page(images: np.ndarray, corners: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    import numpy as np

    page = np.zeros((2 * _ROOM, 2 * _ROOM), images.dtype)
    for image, corner in zip(images, corners, strict=True):
        row, column = np.array(divmod(int(corner), 2)) * _ROOM + rng.integers(0, _ROOM - SIDE, 2, endpoint=True)
        page[row : row + SIDE, column : column + SIDE] = image
    return page


def _sentence(digits: Sequence[int], corners: Sequence[int]) -> str:
    named = [f"{_NAMES[digit]} at the {_CORNERS[corner]}" for digit, corner in zip(digits, corners, strict=True)]
    return f"{', '.join(named[:-1])} and {named[-1]}"
