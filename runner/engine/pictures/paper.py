"""Paper to draw on, by Pillow: lines without steps, and texts in a font with Greek and Cyrillic letters."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

FINE = 2
"""Everything is drawn so many times as large, and then made smaller."""

INK, GRID = "#333333", "#dddddd"

Anchor = Literal["lm", "mm", "rm", "ma"]
"""Which point of a text lies at a place: left, middle or right; middle or top."""

Point = tuple[float, float]


class Paper:
    """A picture in pixels, from its upper left corner on."""

    def __init__(self, width: float, height: float) -> None:
        self.image = Image.new("RGB", (round(FINE * width), round(FINE * height)), "white")
        self.draw = ImageDraw.Draw(self.image)

    def line(self, points: Sequence[Point], colour: str, width: float = 1.0) -> None:
        self.draw.line([(FINE * x, FINE * y) for x, y in points], fill=colour, width=max(1, round(FINE * width)), joint="curve")

    def dotted(self, top: Point, bottom: Point, colour: str) -> None:
        """An upright line of dots."""
        for y in range(round(top[1]), round(bottom[1]), 4):
            self.line([(top[0], y), (top[0], y + 1.5)], colour)

    def dot(self, centre: Point, radius: float, colour: str) -> None:
        self.draw.circle((FINE * centre[0], FINE * centre[1]), FINE * radius, fill=colour)

    def rectangle(self, corner: Point, other: Point, fill: str | tuple[int, ...] | None = None, outline: str | None = None) -> None:
        self.draw.rectangle((FINE * corner[0], FINE * corner[1], FINE * other[0], FINE * other[1]), fill=fill, outline=outline, width=FINE)

    def cells(self, shades: Image.Image, corner: Point, side: float) -> None:
        """A square picture, each of its pixels as a square of one colour."""
        size = round(FINE * side)
        enlarged = shades.resize((size, size), Image.Resampling.NEAREST)
        self.image.paste(enlarged, (round(FINE * corner[0]), round(FINE * corner[1])))

    def text(self, place: Point, text: str, size: float = 11, colour: str = INK, anchor: Anchor = "mm") -> None:
        self.draw.text((FINE * place[0], FINE * place[1]), text, fill=colour, font=_font(FINE * size), anchor=anchor)

    def slanted(self, end: Point, text: str, size: float = 11, degrees: int = 45) -> None:
        """A text that rises to its end."""
        font = _font(FINE * size)
        left, top, right, bottom = font.getbbox(text)
        strip = Image.new("L", (round(right - left) + 2, round(bottom - top) + 2))
        ImageDraw.Draw(strip).text((1 - left, 1 - top), text, fill=255, font=font)
        turned = strip.rotate(degrees, expand=True, resample=Image.Resampling.BICUBIC)
        place = (round(FINE * end[0]) - turned.width + (0 if degrees < 90 else turned.width // 2), round(FINE * end[1]))
        self.image.paste(INK, place, turned)

    def finished(self) -> Image.Image:
        """The picture as people see it."""
        return self.image.reduce(FINE)


def width_of(text: str, size: float = 11) -> float:
    """Pixels that a text takes."""
    return float(_font(FINE * size).getlength(text)) / FINE


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "png")
    return stream.getvalue()


def in_rows(images: Sequence[Image.Image], columns: int = 2) -> Image.Image:
    """Pictures of one size side by side, a few in a row: MLflow cuts off what is wider than its page."""
    width, height = images[0].size
    across = min(columns, len(images))
    whole = Image.new("RGB", (across * width, -(-len(images) // across) * height), "white")
    for number, image in enumerate(images):
        whole.paste(image, (number % across * width, number // across * height))
    return whole


@cache
def _font(size: float) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib ships. Its folder is found without loading it, which takes a third of a second."""
    spec = find_spec("matplotlib")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return ImageFont.truetype(Path(spec.submodule_search_locations[0], "mpl-data", "fonts", "ttf", "DejaVuSans.ttf"), size)
