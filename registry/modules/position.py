"""Vectors that tell where a tick stands. Values are (T, B, N); see padding.py."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nnrun.registry.fault import Fault


class TooLong(Fault):
    """A sequence has more ticks than there are positions."""

    kind = "data"
    id = "bad-data"


class Position(nn.Module):
    """Base of the methods: counts the ticks, from `initial` on.

    Shape: x (T, B, N), initial (B,) -> y (T, B, N), state (B,): how many ticks there were, for those to come.
    """

    def forward(self, x: Tensor, *, lengths: Tensor | None = None, initial: Tensor | None = None) -> tuple[Tensor, Tensor]:
        # not in 16 bits, where whole numbers end at 256
        before = torch.zeros(x.shape[1], device=x.device) if initial is None else initial.float()
        end = before + (len(x) if lengths is None else lengths)
        start = before[:1] if initial is None else before
        places = torch.arange(len(x), device=x.device).unsqueeze(1) + start
        return x + self.vectors(places, x), end

    def vectors(self, places: Tensor, x: Tensor) -> Tensor:
        """Vectors of the type of `x`, for places (T, B) or (T, 1)."""
        raise NotImplementedError


class Sinusoid(Position):
    """Sines and cosines of wavelengths from 2 pi to 10000 * 2 pi.

    Source: Vaswani et al. 2017, section 3.5.
    """

    def vectors(self, places: Tensor, x: Tensor) -> Tensor:
        features = x.shape[2]
        double = torch.arange(0, features, 2, device=x.device, dtype=torch.float64)
        waves = places.double().unsqueeze(2) * torch.exp(double * (-math.log(10000) / features))
        return torch.stack([waves.sin(), waves.cos()], 3).flatten(2)[..., :features].to(x.dtype)


class Learned(Position):
    """A learned vector for each position.

    Raises: TooLong if a real tick has none.
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)  # (length, N)

    def forward(self, x: Tensor, *, lengths: Tensor | None = None, initial: Tensor | None = None) -> tuple[Tensor, Tensor]:
        y, end = super().forward(x, lengths=lengths, initial=initial)
        length = len(self.weight)
        if initial is None and len(x) <= length:
            return y, end  # without waiting for the device
        if (most := int(end.max())) > length:
            help = f"`length: {most}` there, a field that cuts longer ones, or `method: sinusoid`"
            raise TooLong(f"a sequence has {most} ticks, and `position` has learned vectors for {length}", help)
        return y, end

    def vectors(self, places: Tensor, x: Tensor) -> Tensor:
        rows = places.long().clamp(0, len(self.weight) - 1)  # padding may stand behind the last
        return nn.functional.embedding(rows, self.weight).to(x.dtype)
