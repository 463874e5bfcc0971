"""Rows of pixels side by side, as PNG bytes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from nnrun.runner.compiler.energy.net import Units

SIDE = 640
"""About the width of a picture, in pixels."""


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
    pixels = (sheet * 255).round().byte().permute(1, 2, 0).numpy()
    image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
    scale = max(1, SIDE // image.width)
    stream = io.BytesIO()
    image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST).save(stream, "png")
    return stream.getvalue()


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
