"""Gated recurrent unit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from nnrun.registry.algebra.equations import Equations, Scores, applied
from nnrun.registry.catalog import register
from nnrun.registry.recurrent import Recurrent

if TYPE_CHECKING:
    from nnrun.registry.modules.cells import Cell


@register
class GRU(Recurrent):
    """A recurrent cell with two gates: r resets what the candidate n sees of the past, z says how much of n is taken.

        r, z = sigmoid(W x_t + U h_{t-1} + b)
        n    = activation(W x_t + r * (U h_{t-1}) + b)
        h_t  = (1 - z) * h_{t-1} + z * n

    This is the form of Chung et al. 2014; torch writes 1 - z where it has z. The weights hold the gates in the order r, z, n.
    On a CPU with a C++ compiler the cell is compiled, as if its edges were drawn. Elsewhere torch's fused kernel runs it, with
    `activation: tanh`, `reset: after` and no `recurrent_dropout`.

    Shape: (N) at each tick -> (units) at each tick, (2 * units) if `bidirectional`. `state`: (parts, units).
    Raises: ShapeError if `dropout` is set with one layer; InputError without a time axis, or if `initial` is no such state.
    Source: Cho et al. 2014, Learning phrase representations using RNN encoder-decoder, section 2.3.
    """

    type: Literal["gru"]
    reset: Literal["before", "after"] = "after"
    """Where r acts. `before` the matrix product, U (r * h), as in the paper; `after` it, r * (U h), as in torch, Keras and cuDNN."""

    gates = 3

    def cell(self, **options: Any) -> Callable[[int], Cell]:
        from nnrun.registry.modules import cells

        return partial(cells.GRU, reset=self.reset, **options)

    @property
    def fused(self) -> bool:
        return super().fused and self.reset == "after"

    def _equations(self, h: str) -> Equations:
        gates = Scores("r", "r", h), Scores("z", "z", h)
        new = "(1 - sigmoid(z)) * prev(h) + sigmoid(z) * {}"
        if self.reset == "after":
            candidate = Scores("n", "n", None), Scores("u", "n", h, input=False)
            return Equations(tuple("rzn"), (*gates, *candidate), (("h", new.format(applied(self.activation, "n + sigmoid(r) * u"))),))
        values = ("reset", f"sigmoid(r) * {h}"), ("h", new.format(applied(self.activation, "n")))
        return Equations(tuple("rzn"), (*gates, Scores("n", "n", "reset")), values)
