"""Random numbers added to a value."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nnrun.registry.modules.chance import is_drawn, uniform

LEAST = 2.0**-25
"""In the place of a draw of 0, whose normal number is infinite: half the least that is drawn otherwise."""


class Noise(nn.Module):
    """While training, x + deviation * noise, of a standard normal or a uniform distribution from -1 to 1; otherwise x. If `judged`, noise
    comes wherever random numbers are those of a training.

    Shape: x (…, B, *axes), deviation the same, or (…, B) where it is `single` -> (…, B, *axes).
    """

    def __init__(self, distribution: str, scale: float, *, axes: int, single: bool = False, judged: bool = False) -> None:
        super().__init__()
        self.distribution, self.scale, self.axes, self.single, self.judged = distribution, scale, axes, single, judged

    def forward(self, x: Tensor, *, deviation: Tensor | None = None) -> Tensor:
        if deviation is not None:  # one of them may have no ticks
            deviation = deviation.reshape(*deviation.shape, *[1] * self.axes) if self.single else deviation
            x, deviation = torch.broadcast_tensors(x, deviation)  # type: ignore[no-untyped-call]
        if not self.training and not (self.judged and is_drawn()):
            return x
        drawn = uniform(x.detach(), x.dim() - self.axes - 1)
        noise = torch.special.ndtri(drawn.clamp_min(LEAST)) if self.distribution == "gaussian" else 2 * drawn - 1
        return x + (self.scale if deviation is None else deviation) * noise

    def extra_repr(self) -> str:
        return f"{self.distribution}, scale={self.scale}"
