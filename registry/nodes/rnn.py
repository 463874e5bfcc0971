"""Elman's recurrent network."""

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
class RNN(Recurrent):
    """The simplest recurrent cell: a linear layer that also reads its own last output.

    h_t = activation(W x_t + U h_{t-1} + b)

    Its gradients vanish over many ticks (Bengio et al. 1994); `lstm` and `gru` were made against that.

    Shape: (N) at each tick -> (units) at each tick, (2 * units) if `bidirectional`. `state`: (parts, units).
    Raises: ShapeError if `dropout` is set with one layer; InputError without a time axis, or if `initial` is no such state.
    Source: Elman 1990, Finding structure in time.
    """

    type: Literal["rnn"]

    gates = 1
    torchs = ("tanh", "relu")

    def cell(self, **options: Any) -> Callable[[int], Cell]:
        from nnrun.registry.modules import cells

        return partial(cells.Elman, **options)

    def _equations(self, h: str) -> Equations:
        return Equations(("h",), (Scores("s", "h", h),), (("h", applied(self.activation, "s")),))
