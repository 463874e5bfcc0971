"""Base of the recurrent cells: what `rnn`, `lstm` and `gru` have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from nnrun.registry.accept import features
from nnrun.registry.algebra.activations import FUNCTIONS, Gate
from nnrun.registry.algebra.equations import Equations
from nnrun.registry.node import Holding, Port, Trainable
from nnrun.registry.options import Rate, Units
from nnrun.registry.sequence import check_static, check_time
from nnrun.registry.shape import Axis, InputError, Shape, ShapeError, known, product, same_axes

if TYPE_CHECKING:
    from torch import nn

    from nnrun.registry.modules.cells import Cell


class Recurrent(Trainable, Holding):
    """A cell that reads a sequence tick by tick and keeps a state.

    The state is one value, (parts, units): h of every layer, each with its reversed twin if `bidirectional`, then, for an
    LSTM, c in the same order. It starts at zero, or as the port `initial` says.
    """

    scope = "time"
    ports = {"initial": Port(required=False, time="none")}
    outputs = ("state",)

    gates: ClassVar[int]
    """Vectors of scores in one tick."""
    vectors: ClassVar[int] = 1
    """Vectors in the state of one layer: h, or h and c."""
    torchs: ClassVar[tuple[str, ...]] = ("tanh",)
    """Activations for which torch has this cell."""

    units: Units
    """Length of h, hence the number of outputs in one direction."""
    layers: Annotated[int, Field(ge=1, le=100)] = 1
    """Cells above each other; each reads the outputs of the one below."""
    activation: Gate = "tanh"
    """What is applied to the candidate, and to what leaves the cell."""
    bidirectional: bool = False
    """Read the sequence from its end too, with weights of its own; both outputs stand side by side (2 * units)."""
    dropout: Rate = 0.0
    """Share of outputs set to zero on their way from one layer to the next, in training."""
    recurrent_dropout: Rate = 0.0
    """Share of h_{t-1} hidden from the weights, the same units at every tick of a sequence, in training. Source: Gal and
    Ghahramani 2016."""

    @property
    def outermost(self) -> tuple[str, str]:
        return self.activation, "activation"  # weighed by gates from 0 to 1, which leave its range as it is

    @property
    def looks_ahead(self) -> bool:
        return self.bidirectional

    @property
    def fused(self) -> bool:
        """Whether torch has a kernel for this very cell."""
        return self.activation in self.torchs and not self.recurrent_dropout

    def equations(self, masked: bool = False) -> Equations | None:
        """What a cell computes, with a mask on h_{t-1} or without; None where that is no formula."""
        if self.activation not in FUNCTIONS and self.activation != "identity":
            return None
        return self._equations("kept").masked() if masked else self._equations("prev(h)")

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def parts(self) -> int:
        """Vectors in the state of all layers."""
        return self.layers * self.directions * self.vectors

    def shape(self, x: Shape, initial: Shape | None = None) -> Shape:
        check_time(x)
        features(x)
        if self.dropout and self.layers == 1:
            message = "`dropout` is between layers, but there is one layer"
            raise ShapeError(message, field="dropout", help="`layers: 2`, or a `dropout` node after this one")
        if initial is not None:
            self._check_initial(initial)
        backward = self.units if self.bidirectional else 0
        return Shape((product((self.directions, self.units)),), time=x.time, ticks=x.ticks, backward=backward)

    def output_shape(self, output: str, x: Shape, initial: Shape | None = None) -> Shape:
        return Shape((self.parts, self.units))

    def parameters(self, x: Shape, initial: Shape | None = None) -> dict[str, tuple[Axis, ...]]:
        sizes: dict[str, tuple[Axis, ...]] = {}
        below: Axis = x.size
        for layer in range(1, self.layers + 1):
            for suffix in ("", "_reverse")[: self.directions]:
                sizes |= {f"layer{layer}{suffix}.{name}": axes for name, axes in self._weights(below).items()}
            below = product((self.directions, self.units))
        return sizes

    def kept(self, x: Shape, initial: Shape | None = None) -> Axis:
        return product((self.layers * self.directions * (self.gates + self.vectors), self.units))

    def build(self, x: Shape, initial: Shape | None = None) -> nn.Module:
        from nnrun.registry.modules.stack import Stack

        units = known(self.units)
        cell = self.cell(
            units=units, activation=self.activation, recurrent_dropout=self.recurrent_dropout, init=self.init, fused=self.fused
        )
        return Stack(cell, known(x.size), units, layers=self.layers, bidirectional=self.bidirectional, dropout=self.dropout)

    def cell(self, **options: Any) -> Callable[[int], Cell]:
        """What makes the cell of one layer, from the number of features below it."""
        raise NotImplementedError

    def _equations(self, h: str) -> Equations:
        """`h` is what the gates see of h_{t-1}."""
        raise NotImplementedError

    def _weights(self, below: Axis) -> dict[str, tuple[Axis, ...]]:
        """Weights of one cell over so many features."""
        scores = product((self.gates, self.units))
        return {"input": (scores, below), "recurrent": (scores, self.units), "bias": (scores,)}

    def _check_initial(self, initial: Shape) -> None:
        check_static(initial, port="initial")
        if initial.kind == "number" and any(same_axes(initial.axes, axes) for axes in ((self.parts, self.units), (self.units,))):
            return
        parts = "1 part" if self.parts == 1 else f"{self.parts} parts"
        flatten = "a `flatten` node, then " if len(initial.axes) > 1 else ""
        raise InputError(
            f"a state of {parts} of {self.units} units, or (N={self.units}), which is h of every layer",
            port="initial",
            help=f"{flatten}a `linear` node with `units: {self.units}` between them makes one",
        )
