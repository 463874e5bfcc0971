"""Some of many numbers."""

from __future__ import annotations

from torch import Tensor, nn


class Slice(nn.Module):
    """Numbers that follow each other. Shape: (…, N), or (…) where N is 1 -> (…, end - begin)."""

    def __init__(self, begin: int, end: int | None, single: bool = False) -> None:
        super().__init__()
        self.begin, self.end, self.single = begin, end, single

    def forward(self, x: Tensor) -> Tensor:
        return (x.unsqueeze(-1) if self.single else x)[..., self.begin : self.end]

    def extra_repr(self) -> str:
        return f"[{self.begin}:{'' if self.end is None else self.end}]"
