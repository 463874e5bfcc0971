"""Nodes along time that have no cell: reducers, windows, averages. Values are (T, B, *axes); see padding.py."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nnrun.registry.algebra.ticks import Windows
from nnrun.registry.modules.padding import blank, flip, last, over, real_ticks, under


class Last(nn.Module):
    """The last real tick, of the last `backward` features the first; zeros where there is none.

    Shape: (T, B, *axes) -> (B, *axes); with `backward`, (T, B, N) -> (B, N).
    """

    def __init__(self, backward: int = 0) -> None:
        super().__init__()
        self.backward = backward

    def forward(self, x: Tensor, *, lengths: Tensor | None = None) -> Tensor:
        if not self.backward:
            return last(x, lengths)
        forth = x.shape[2] - self.backward
        first = blank(x, lengths)[0]
        return torch.cat([last(x[..., :forth], lengths), first[:, forth:]], 1)

    def extra_repr(self) -> str:
        return f"backward={self.backward}" if self.backward else ""


class Reverse(nn.Module):
    """Each sequence back to front within its own length.

    Shape: (T, B, *axes) -> the same.
    """

    def forward(self, x: Tensor, *, lengths: Tensor | None = None) -> Tensor:
        return flip(x, lengths)


class Pool(nn.Module):
    """Mean, maximum or sum over the real ticks; zeros where there are none.

    Shape: (T, B, *axes) -> (B, *axes).
    """

    def __init__(self, method: str) -> None:
        super().__init__()
        self.method = method

    def forward(self, x: Tensor, *, lengths: Tensor | None = None) -> Tensor:
        if self.method == "max":
            most = blank(x, lengths, fill=float("-inf")).amax(0)
            return most if lengths is None else torch.where(over(lengths > 0, most), most, 0)
        total = blank(x, lengths).sum(0)
        if self.method == "sum":
            return total
        return total / (len(x) if lengths is None else over(lengths.clamp(min=1), total))

    def extra_repr(self) -> str:
        return self.method


class PoolWindows(nn.Module):
    """Mean, maximum or sum over the real ticks of each window; zeros where it has none, which is padding.

    Shape: (T, B, *axes) -> (T', B, *axes), with as many ticks as `windows` gives.
    """

    def __init__(self, method: str, windows: Windows) -> None:
        super().__init__()
        self.method, self.windows = method, windows

    def forward(self, x: Tensor, *, lengths: Tensor | None = None) -> Tensor:
        if self.method == "sum":
            return self._parted(blank(x, lengths)).sum(-1)
        real = x.new_ones(x.shape[:2]) if lengths is None else real_ticks(lengths, len(x)).to(x.dtype)
        count = self._parted(real).sum(-1)
        if self.method == "mean":
            total = self._parted(blank(x, lengths)).sum(-1)
            return total / over(count.clamp(min=1), total)
        lowest = float("-inf")
        most = self._parted(blank(x, lengths, fill=lowest), fill=lowest).amax(-1)
        return torch.where(over(count > 0, most), most, 0)

    def _parted(self, x: Tensor, fill: float = 0) -> Tensor:
        """(T, B, *axes) -> (T', B, *axes, size)."""
        return under(x, self.windows, fill).unfold(0, self.windows.size, self.windows.stride)

    def extra_repr(self) -> str:
        return f"{self.method}, {self.windows}"


class Window(nn.Module):
    """The last `length` ticks at every tick, the oldest first; zeros, or `initial`, stand before the first.

    Shape: x (T, B, *axes) -> y (T, B, length, *axes), state (B, length - 1, *axes): the last ticks, for those to come.
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def forward(self, x: Tensor, *, lengths: Tensor | None = None, initial: Tensor | None = None) -> tuple[Tensor, Tensor]:
        before = x.new_zeros(self.length - 1, *x.shape[1:]) if initial is None else initial.transpose(0, 1)
        windows = torch.cat([before, blank(x, lengths)]).unfold(0, self.length, 1).movedim(-1, 2)
        start = before.transpose(0, 1)
        return windows, last(windows[:, :, 1:], lengths, otherwise=start)

    def extra_repr(self) -> str:
        return f"length={self.length}"


class Ewma(nn.Module):
    """y_t = decay * y_{t-1} + (1 - decay) * x_t, from y_0 = x_0; or from y_{-1} = `initial`.

    All ticks at once: after pass k, y_t sums the last 2^k terms, so a pass adds what stood 2^k ticks ago, decayed.

    Shape: x (T, B, *axes) -> y (T, B, *axes), state (B, *axes): the last average, for the ticks to come.
    Source: Hillis and Steele 1986, Data parallel algorithms (the passes).
    """

    def __init__(self, decay: float, learned: tuple[int, ...] | None = None) -> None:
        super().__init__()
        logit = torch.logit(torch.tensor(decay))
        self.decay = decay
        self.logit = None if learned is None else nn.Parameter(logit.expand(learned).clone())

    def forward(self, x: Tensor, *, lengths: Tensor | None = None, initial: Tensor | None = None) -> tuple[Tensor, Tensor]:
        decay = self.decay if self.logit is None else self.logit.sigmoid()
        x = blank(x, lengths)
        terms = (1 - decay) * x
        first = x[0] if initial is None else decay * initial + terms[0]
        y = torch.cat([first.unsqueeze(0), terms[1:]])
        reach = 1
        while reach < len(y):
            y = torch.cat([y[:reach], y[reach:] + decay**reach * y[:-reach]])
            reach *= 2
        y = blank(y, lengths)
        return y, last(y, lengths, otherwise=initial)

    def extra_repr(self) -> str:
        return f"decay={self.decay}, learned={self.logit is not None}"


class Repeat(nn.Module):
    """One value at every tick of another.

    Shape: x (B, *axes), along (T, B, …) -> (T, B, *axes).
    """

    def forward(self, x: Tensor, *, along: Tensor, lengths: Tensor | None = None, along_lengths: Tensor | None = None) -> Tensor:
        return x.expand(len(along), *x.shape)
