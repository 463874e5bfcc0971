"""Random changes of images that leave what they show."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def augment(batch: Tensor, generator: Generator, shift: int = 0, flip: str = "none") -> Tensor:
    """Move and mirror each example at random, with all its channels and frames alike.

    Each example moves by whole pixels, uniform from -shift to shift on both axes; the pixels of the border fill the gap,
    whatever the normalisation made of black. `flip` (`none`, `horizontal`, `vertical`) mirrors every second one on average.
    The generator alone decides: the same seed and batch size give the same changes.

    Shape: (B, ..., H, W) -> the same.
    """
    count, (height, width) = len(batch), batch.shape[-2:]
    down, right = (torch.randint(-shift, shift + 1, (2, count, 1), generator=generator, device=generator.device)).to(batch.device)
    mirrored = (torch.rand(count, 1, generator=generator, device=generator.device) < 0.5).to(batch.device)

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
