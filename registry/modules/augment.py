"""Random changes of images that leave what they show."""

from __future__ import annotations

import torch
from torch import Tensor


def augment(batch: Tensor, drawn: Tensor, shift: int = 0, flip: str = "none") -> Tensor:
    """Move and mirror each example at random, with all its channels and frames alike.

    Each example moves by whole pixels, uniform from -shift to shift on both axes; the pixels of the border fill the gap,
    whatever the normalisation made of black. `flip` (`none`, `horizontal`, `vertical`) mirrors every second one on average.
    `drawn` alone decides, three numbers between 0 and 1 for each example, of which `shift` and `flip` make the changes, so that
    pictures with the same two change together.

    Shape: batch (B, ..., H, W), drawn (3, B) -> that of the batch.
    """
    count, (height, width) = len(batch), batch.shape[-2:]
    drawn = drawn.unsqueeze(2)
    down, right = (drawn[:2] * (2 * shift + 1)).long().clamp(max=2 * shift) - shift
    mirrored = drawn[2] < 0.5

    rows = (torch.arange(height, device=batch.device) - down).clamp(0, height - 1)
    columns = (torch.arange(width, device=batch.device) - right).clamp(0, width - 1)
    if flip == "vertical":
        rows = torch.where(mirrored, rows.flip(1), rows)
    if flip == "horizontal":
        columns = torch.where(mirrored, columns.flip(1), columns)

    planes = batch.flatten(1, -3) if batch.dim() > 3 else batch.unsqueeze(1)
    example = torch.arange(count, device=batch.device)[:, None, None, None]
    plane = torch.arange(planes.shape[1], device=batch.device)[:, None, None]
    return planes[example, plane, rows[:, None, :, None], columns[:, None, None, :]].reshape(batch.shape)
