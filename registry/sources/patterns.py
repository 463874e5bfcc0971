"""Patterns that are made, not measured: what energy networks are tried on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field as Option

from nnrun.registry.catalog import register
from nnrun.registry.data.digits.handwritten import digit_columns, handwritten
from nnrun.registry.data.tables import PackagedSource
from nnrun.registry.options import Amount
from nnrun.registry.source import Column

if TYPE_CHECKING:
    import numpy as np


@register
class Letters(PackagedSource):
    """Letters as black and white images, drawn from the font DejaVu Sans Mono, which matplotlib ships. One of each.

    Source: the Bitstream Vera and DejaVu fonts.
    """

    source: Literal["letters"]
    letters: Annotated[str, Option(min_length=1, max_length=1000)] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    """The characters, in order."""
    side: Annotated[int, Option(ge=8, le=512)] = 16
    """Height and width in pixels."""

    def columns(self) -> Mapping[str, Column]:
        return {
            "image": Column("image", {"size": (self.side, self.side), "channels": 1}, "1 where there is ink"),
            "letter": Column("category", {"classes": tuple(dict.fromkeys(self.letters))}),
        }

    def table(self) -> Mapping[str, Any]:
        from pathlib import Path

        import matplotlib
        import numpy as np
        from PIL import Image, ImageDraw, ImageFont

        font = ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono-Bold.ttf", round(0.95 * self.side))
        images = []
        for letter in self.letters:
            picture = Image.new("L", (self.side, self.side))
            ImageDraw.Draw(picture).text((self.side / 2, self.side / 2), letter, fill=255, font=font, anchor="mm")
            images.append(np.asarray(picture) > 127)
        return {"image": np.stack(images).astype("float32"), "letter": list(self.letters)}


@register
class BarsAndStripes(PackagedSource):
    """All images of full rows, and all of full columns: 30 distinct ones of 4 by 4 pixels.

    A perfect model gives each the same probability, so that no mean log-likelihood is above -log(30) = -3.401.
    Source: MacKay 2003, Information theory, inference, and learning algorithms, section 43.2.
    """

    source: Literal["bars_and_stripes"]
    side: Annotated[int, Option(ge=1, le=12)] = 4
    """Height and width in pixels."""

    def columns(self) -> Mapping[str, Column]:
        kinds = Column("category", {"classes": ("bars", "stripes")}, "an image of both kinds counts as bars")
        return {"image": Column("image", {"size": (self.side, self.side), "channels": 1}), "kind": kinds}

    def table(self) -> Mapping[str, Any]:
        import itertools

        import numpy as np

        lines = np.array(list(itertools.product([0, 1], repeat=self.side)), dtype="float32")
        bars = np.repeat(lines[:, None, :], self.side, axis=1)
        stripes = bars.transpose(0, 2, 1)[1:-1]  # without the empty and the full one
        return {"image": np.concatenate([bars, stripes]), "kind": ["bars"] * len(bars) + ["stripes"] * len(stripes)}


@register
class RandomPatterns(PackagedSource):
    """Random patterns of -1 and +1, independent of each other: what the capacity of a memory is measured with.

    Source: Amit, Gutfreund and Sompolinsky 1985, Storing infinite numbers of patterns in a spin-glass model of neural networks.
    """

    source: Literal["random_patterns"]
    count: Annotated[int, Option(ge=1, le=100_000)] = 100
    """How many patterns."""
    size: Annotated[int, Option(ge=1, le=100_000)] = 500
    """Numbers in each."""
    seed: Amount = 0
    """Another seed gives other patterns."""

    @property
    def makes(self) -> int:
        return self.count

    def columns(self) -> Mapping[str, Column]:
        return {"pattern": Column("vector", {"size": self.size})}

    def table(self) -> Mapping[str, Any]:
        import numpy as np

        return {"pattern": np.random.default_rng(self.seed).choice([-1.0, 1.0], (self.count, self.size)).astype("float32")}


@register
class ShiftedDigits(PackagedSource):
    """The 1,797 digits of 8 by 8 pixels, and each moved by one pixel to the left, right, up and down: 8,985 images.

    Copies of one digit may stand in different parts of the data. Pixels that move in are empty.
    Baseline: logistic regression on the pixels 0.785.
    Source: scikit-learn's example "Restricted Boltzmann Machine features for digit classification".
    """

    source: Literal["shifted_digits"]

    def columns(self) -> Mapping[str, Column]:
        return digit_columns(about="pixels from 0 to 1")

    def table(self) -> Mapping[str, Any]:
        import numpy as np

        images, digits = handwritten()
        images = (images / 16).astype("float32")
        moved = [_moved(images, down, right) for down, right in ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0))]
        return {"image": np.concatenate(moved), "digit": np.tile(digits, len(moved))}


def _moved(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Images (n, H, W) moved by so many pixels, zeros moving in."""
    import numpy as np

    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    height, width = images.shape[1:]
    return padded[:, 1 - down : 1 - down + height, 1 - right : 1 - right + width]
