"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from nnrun.registry.algebra.equations import Equations, Scores, applied
from nnrun.registry.catalog import register
from nnrun.registry.recurrent import Recurrent
from nnrun.registry.shape import Axis

if TYPE_CHECKING:
    from nnrun.registry.modules.cells import Cell


@register
class LSTM(Recurrent):
    """A recurrent cell with a memory c that gates write (i), keep (f) and show (o).

        i, f, o = sigmoid(W x_t + U h_{t-1} + b)
        g       = activation(W x_t + U h_{t-1} + b)
        c_t     = f * c_{t-1} + i * g
        h_t     = o * activation(c_t)

    The weights hold the gates in the order i, f, g, o. On a CPU with a C++ compiler the cell is compiled, as if its edges were drawn.
    Elsewhere torch's fused kernel runs it, with `activation: tanh` and without `peephole` and `recurrent_dropout`.

    Shape: (N) at each tick -> (units) at each tick, (2 * units) if `bidirectional`. `state`: (parts, units).
    Raises: ShapeError if `dropout` is set with one layer; InputError without a time axis, or if `initial` is no such state.
    Source: Hochreiter and Schmidhuber 1997, Long short-term memory; Gers, Schmidhuber and Cummins 2000 for f.
    """

    type: Literal["lstm"]
    peephole: bool = False
    """Let the gates see the memory: i and f the old one, o the new one, each by a weight per unit that starts at zero.
    Source: Gers and Schmidhuber 2000; Graves 2013, equations 7 to 11."""
    forget_bias: float = 1.0
    """Bias of f at the start: large keeps the memory open. Source: Jozefowicz et al. 2015."""

    gates = 4
    vectors = 2

    def cell(self, **options: Any) -> Callable[[int], Cell]:
        from nnrun.registry.modules import cells

        return partial(cells.LSTM, peephole=self.peephole, forget_bias=self.forget_bias, **options)

    @property
    def fused(self) -> bool:
        return super().fused and not self.peephole

    def _equations(self, h: str) -> Equations:
        i, f, o = ("i + to_i * prev(c)", "f + to_f * prev(c)", "o + to_o * c") if self.peephole else "ifo"
        values = (
            ("c", f"sigmoid({f}) * prev(c) + sigmoid({i}) * {applied(self.activation, 'g')}"),
            ("h", f"sigmoid({o}) * {applied(self.activation, 'c')}"),
        )
        vectors = ("to_i", "to_f", "to_o") if self.peephole else ()
        return Equations(tuple("ifgo"), tuple(Scores(gate, gate, h) for gate in "ifgo"), values, ("h", "c"), vectors)

    def _weights(self, below: Axis) -> dict[str, tuple[Axis, ...]]:
        weights = super()._weights(below)
        return weights | {"peephole": (3, self.units)} if self.peephole else weights
