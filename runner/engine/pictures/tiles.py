"""Rows of pixels side by side, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from nnrun.runner.compiler.energy.net import Units

SIDE = 640
"""About the width of a picture, in pixels."""

LINE = 16
"""Pixels of a line of text."""


def framing(units: Units) -> tuple[int, int, int] | None:
    """Channels, height and width of a group of pixels; None where its units are no picture."""
    sizes = [size for size in units.axes if isinstance(size, int)]
    return (sizes[0], sizes[1], sizes[2]) if len(units.axes) == len(sizes) == 3 and sizes[0] in (1, 3) else None


def tiles(rows: Tensor, frame: tuple[int, int, int], columns: int | None = None) -> bytes:
    """Rows of pixels (n, C * H * W) side by side, as many in a line as `columns`; values below 0 and above 1 are cut off, -1 is black."""
    channels, height, width = frame
    count = len(rows)
    across = columns or max(1, round(count**0.5))
    down = -(-count // across)
    sheet = torch.full((channels, down * (height + 1) + 1, across * (width + 1) + 1), 0.35)
    for index, row in enumerate(rows.detach().float().cpu()):
        top, left = (index // across) * (height + 1) + 1, (index % across) * (width + 1) + 1
        sheet[:, top : top + height, left : left + width] = row.view(channels, height, width).clamp(0, 1)
    image = _image(sheet)
    scale = max(1, SIDE // image.width)
    stream = io.BytesIO()
    image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST).save(stream, "png")
    return stream.getvalue()


def captioned(rows: Tensor, frame: tuple[int, int, int], captions: Sequence[str], columns: int = 6) -> bytes:
    """Rows of pixels (n, C * H * W) from 0 to 1 as tiles, each with a line of text below it."""
    channels, height, width = frame
    side = SIDE // columns
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    down = -(-len(rows) // columns)
    sheet = Image.new("L" if channels == 1 else "RGB", (columns * side, down * (size[1] + LINE)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (row, caption) in enumerate(zip(rows.detach().float().cpu(), captions, strict=True)):
        left, top = (index % columns) * side, (index // columns) * (size[1] + LINE)
        sheet.paste(_image(row.view(channels, height, width).clamp(0, 1)).resize(size, Image.Resampling.NEAREST), (left, top))
        draw.text((left + 2, top + size[1] + 2), caption, fill="black")
    stream = io.BytesIO()
    sheet.save(stream, "png")
    return stream.getvalue()


def _image(pixels: Tensor) -> Image.Image:
    """Pixels (C, H, W) from 0 to 1 as a picture."""
    shades = (pixels * 255).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(shades[:, :, 0] if len(pixels) == 1 else shades)


SMALL = 96
"""Least width and height of a picture that people look at, in pixels; smaller ones are enlarged."""


def picture(pixels: np.ndarray[Any, Any]) -> bytes:
    """One picture (C, H, W) of numbers from 0 to 1; where they go beyond, the least is black and the largest white."""
    low, high = float(pixels.min()), float(pixels.max())
    if low < 0 or high > 1:
        pixels = (pixels - low) / (high - low or 1.0)
    grey = np.moveaxis(np.rint(pixels * 255).astype(np.uint8), 0, -1)
    image = Image.fromarray(grey[:, :, 0] if grey.shape[2] == 1 else grey)
    scale = max(1, -(-SMALL // min(image.size)))
    stream = io.BytesIO()
    image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST).save(stream, "png")
    return stream.getvalue()
