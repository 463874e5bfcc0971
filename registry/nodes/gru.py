"""Gated recurrent unit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from registry.catalog import register
from registry.recurrent import Recurrent

if TYPE_CHECKING:
    from registry.modules.cells import Cell


@register
class GRU(Recurrent):
    """A recurrent cell with two gates: r resets what the candidate n sees of the past, z says how much of n is taken.

        r, z = sigmoid(W x_t + U h_{t-1} + b)
        n    = activation(W x_t + r * (U h_{t-1}) + b)
        h_t  = (1 - z) * h_{t-1} + z * n

    This is the form of Chung et al. 2014; torch writes 1 - z where it has z. The weights hold the gates in the order r, z, n.
    With `activation: tanh`, `reset: after` and no `recurrent_dropout` it runs on torch's fused kernel, otherwise as a loop over ticks.

    Shape: (N) at each tick -> (units) at each tick, (2 * units) if `bidirectional`. `state`: (parts, units).
    Raises: ShapeError if `dropout` is set with one layer; InputError without a time axis, or if `initial` is no such state.
    Source: Cho et al. 2014, Learning phrase representations using RNN encoder-decoder, section 2.3.
    """

    type: Literal["gru"]
    reset: Literal["before", "after"] = "after"
    """Where r acts. `before` the matrix product, U (r * h), as in the paper; `after` it, r * (U h), as in torch, Keras and
    cuDNN, which have a fast kernel for it."""

    gates = 3

    def cell(self, **options: Any) -> Callable[[int], Cell]:
        from registry.modules import cells

        return partial(cells.GRU, reset=self.reset, **options)
