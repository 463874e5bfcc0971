"""Mean, maximum or sum over time, or over windows of ticks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import check_number
from nnrun.registry.algebra.ticks import Around, Windows
from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.options import Count
from nnrun.registry.sequence import at_each_window, check_time
from nnrun.registry.shape import Axis, Shape, ShapeError, product

if TYPE_CHECKING:
    from torch import nn


@register
class PoolTime(Node):
    """Reduce a sequence to one value, taking every tick alike; with `size`, each window of so many ticks to one tick.

    Padding does not count. A sequence without ticks gives zeros, and one too short for a window has no tick left.

    Shape: numbers at each tick -> the same axes, once; with `size`, at each of (ticks - size) // stride + 1 ticks, or
    ceil(ticks / stride) with `padding: same`, along an axis of their own, such as `wave-1/2` or `wave/2` of `wave`.
    Raises: InputError without a time axis, or if the values are no numbers; ShapeError if no window fits a known number of ticks,
    or for `stride` or `padding` without `size`.
    """

    scope = "time"

    type: Literal["pool_time"]
    method: Literal["mean", "max", "sum"] = "mean"
    """`mean` over the ticks; `max`, for each feature by itself; `sum`, which grows with the length."""
    size: Count | None = None
    """Ticks of a window; where left out, one window is the whole sequence."""
    stride: Count | None = None
    """Ticks between two windows; `size` where left out, so that windows neither overlap nor leave gaps."""
    padding: Around = "valid"
    """`valid`: windows lie within the sequence, and ticks behind the last one that fits are left out. `same`: the first window begins
    half of size - stride ticks before the sequence, rounded down, and the last may end behind it; what lies outside takes no part, so
    that a mean is that of the real ticks."""

    @property
    def looks_ahead(self) -> bool:
        return self.windows is not None

    @property
    def windows(self) -> Windows | None:
        """Over which it goes; None if over the whole sequence."""
        return None if self.size is None else Windows(self.size, self.stride or self.size, self.padding)

    def shape(self, x: Shape) -> Shape:
        check_time(x)
        check_number(x)
        if self.windows is not None:
            return at_each_window(x, self.windows, x, "size")
        for option, is_given in (("stride", self.stride is not None), ("padding", self.padding != "valid")):
            if is_given:
                help = f"write `size` too, or leave out `{option}`"
                raise ShapeError(f"`{option}` is about windows, and without `size` the sequence is one", field=option, help=help)
        return replace(x.tick, backward=0)

    def kept(self, x: Shape) -> Axis:
        return 0 if self.windows is None else product((2 * self.windows.stride, x.size))

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules import sequence

        return sequence.Pool(self.method) if self.windows is None else sequence.PoolWindows(self.method, self.windows)
