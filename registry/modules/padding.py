"""Sequences of different length in one tensor.

Values are (T, B, *axes), padded on the right; `lengths` (B,) counts the real ticks of each sequence, and None says that
nothing is padded. Padding may hold anything, NaN too, so it is replaced before it is used: 0 * NaN is NaN, also in a gradient.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from nnrun.registry.algebra.ticks import Windows


def real_ticks(lengths: Tensor, ticks: int) -> Tensor:
    """Which of so many ticks are real, (T, B)."""
    return torch.arange(ticks, device=lengths.device).unsqueeze(1) < lengths


def blank(x: Tensor, lengths: Tensor | None, fill: float = 0) -> Tensor:
    """`x` with another value in the padding."""
    if lengths is None:
        return x
    return torch.where(over(real_ticks(lengths, len(x)), x), x, fill)


def last(x: Tensor, lengths: Tensor | None, otherwise: Tensor | None = None) -> Tensor:
    """The last real tick, (T, B, *axes) -> (B, *axes). A sequence without ticks has `otherwise`, or zeros."""
    if lengths is None:
        return x[-1]
    found = x[(lengths - 1).clamp(min=0), torch.arange(len(lengths), device=x.device)]
    return torch.where(over(lengths > 0, found), found, 0 if otherwise is None else otherwise)


def flip(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Each sequence back to front within its own length; the padding stays where it is."""
    if lengths is None:
        return x.flip(0)
    tick = torch.arange(len(x), device=x.device).unsqueeze(1)
    source = torch.where(tick < lengths, lengths - 1 - tick, tick)
    # Whole rows by one list of numbers: four times faster than `gather`, in both directions.
    rows = source * len(lengths) + torch.arange(len(lengths), device=x.device)
    return x.flatten(0, 1).index_select(0, rows.flatten()).view_as(x)


def cut(lengths: Tensor | None, start: int, stop: int) -> Tensor | None:
    """How many of the ticks from `start` to `stop` are real, for each sequence."""
    return None if lengths is None else (lengths - start).clamp(0, stop - start)


def under(x: Tensor, windows: Windows, fill: float = 0) -> Tensor:
    """What windows see of `x`, the first to the last: with `fill` where they reach beyond it, without the ticks that none sees."""
    seen = (windows.ticks(len(x)) - 1) * windows.stride + windows.size
    return F.pad(x, (*[0, 0] * (x.dim() - 1), windows.before, seen - windows.before - len(x)), value=fill)


def over(mask: Tensor, x: Tensor) -> Tensor:
    """A mask of the leading axes of `x`, with an axis of size 1 for each of the others."""
    return mask.reshape(*mask.shape, *[1] * (x.dim() - mask.dim()))
