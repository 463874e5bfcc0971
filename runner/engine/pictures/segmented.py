"""Pictures beside the classes of their pixels, as colours."""

from __future__ import annotations

import torch
from torch import Tensor

GAP = 2
"""Grey pixels between two of them."""


def beside(images: Tensor, truth: Tensor, guess: Tensor) -> Tensor:
    """Picture, true and predicted classes of each example in one row.

    Shape: images (n, 1 or 3, H, W) from 0 to 1, truth and guess (n, H, W) of classes -> (n, 3, H, 3 * W + 2 * GAP).
    """
    count, _, height, width = images.shape
    gap = torch.full((count, 3, height, GAP), 0.35)
    return torch.cat([images.expand(count, 3, height, width), gap, coloured(truth), gap, coloured(guess)], 3)


def coloured(classes: Tensor) -> Tensor:
    """Classes as colours, the first one black.

    Shape: (n, H, W) -> (n, 3, H, W), from 0 to 1.
    Source: the colour map of the PASCAL VOC development kit: the bits of a class are dealt to red, green and blue, the highest first.
    """
    bands = [sum((classes >> (3 * place + band) & 1) << (7 - place) for place in range(8)) for band in range(3)]
    return torch.stack([torch.as_tensor(band) for band in bands], 1) / 255
