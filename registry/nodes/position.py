"""Positions of ticks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import features
from nnrun.registry.catalog import register
from nnrun.registry.node import Port, Trainable
from nnrun.registry.options import Count
from nnrun.registry.sequence import check_static, check_time
from nnrun.registry.shape import Axis, InputError, Shape, ShapeError, known

if TYPE_CHECKING:
    from torch import nn

UNUSED = {"sinusoid": ("length", "init", "freeze", "share", "weights", "regularize"), "learned": ()}
"""Options that a method has no use for."""


@register
class Position(Trainable):
    """Add to each tick a vector that tells where it stands, for nodes such as `attention` that see no order.

    `sinusoid`, at position p, counted from 0, of N features:

        feature 2i      sin(p / 10000^(2i / N))
        feature 2i + 1  cos(p / 10000^(2i / N))

    Shape: (N) at each tick -> (N) at each tick. `state`: how many ticks there were, which the port `initial` counts on from.
    Raises: InputError without a time axis, if a tick is not (N), or if `initial` is not one number; ShapeError if an option does not
    go with the method, or if there are more ticks than `length`. Of a sequence that turns out to be longer, the run says so.
    Source: Vaswani et al. 2017, Attention is all you need, section 3.5 (`sinusoid`); Gehring et al. 2017, Convolutional sequence to
    sequence learning, section 3.1 (`learned`).
    """

    scope = "time"
    multiplies = False
    ports = {"initial": Port(required=False, time="none")}
    outputs = ("state",)

    type: Literal["position"]
    method: Literal["sinusoid", "learned"] = "sinusoid"
    """`sinusoid`: waves of different length, without weights, for any number of ticks. `learned`: a vector for each position."""
    length: Count | None = None
    """Positions that have a learned vector, hence ticks of the longest sequence; may be left out where all have equally many."""

    def shape(self, x: Shape, initial: Shape | None = None) -> Shape:
        for option in UNUSED[self.method]:
            if option in self.model_fields_set:
                raise ShapeError(f"`{option}` has no meaning with `method: {self.method}`", field=option, help=f"leave `{option}` out")
        check_time(x)
        features(x)
        if not x.axes:
            raise InputError("a flat input (N)", help="a `linear` node between them makes features of a number")
        if initial is not None:
            check_static(initial, port="initial")
            if initial.kind != "number" or initial.axes:
                raise InputError("a number, how many ticks came before", port="initial", help="the `state` of a `position` node fits")
        if self.method == "learned":
            self._length(x)
        return replace(x, backward=0)

    def output_shape(self, output: str, x: Shape, initial: Shape | None = None) -> Shape:
        return Shape()

    def parameters(self, x: Shape, initial: Shape | None = None) -> dict[str, tuple[Axis, ...]]:
        return {"weight": (self._length(x), *x.axes)} if self.method == "learned" else {}

    def build(self, x: Shape, initial: Shape | None = None) -> nn.Module:
        import torch

        from nnrun.registry.modules import position
        from nnrun.registry.modules.init import initialize

        if self.method == "sinusoid":
            return position.Sinusoid()
        return position.Learned(initialize(torch.empty(self._length(x), known(x.size)), self.init))

    def _length(self, x: Shape) -> int:
        """How many positions have a learned vector."""
        length = self.length or x.ticks
        if length is None:
            message = f"`method: learned` needs `length`, for sequences of `{x.time}` differ in theirs"
            raise ShapeError(message, field="method", help=_enough(512))
        if x.ticks is not None and x.ticks > length:
            raise ShapeError(f"`length` is {length}, but `{x.time}` has {x.ticks} ticks", field="length", help=_enough(x.ticks))
        return length


def _enough(ticks: int) -> str:
    return f"write `length: {ticks}`, or `method: sinusoid`, which has no end"
