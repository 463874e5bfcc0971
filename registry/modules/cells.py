"""Recurrent cells: one layer, read in one direction.

A cell takes x (T, B, N), zero in the padding, and its state, a tuple of (B, units); it returns y (T, B, units), zero in the
padding, and the state after the last real tick. Weights are `input` (gates * units, N), `recurrent` (gates * units, units) and
`bias` (gates * units), the gates one below the other in the order that each cell names.

A cell that torch has is computed by torch's kernel; that takes the padded batch, because a `PackedSequence` is 2 to 12 times
slower on a CPU. Every other cell is a loop over ticks, unless a network brings a faster `run`. All have the same weights and results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from nnrun.registry.modules.activations import activation as function
from nnrun.registry.modules.chance import kept as factors
from nnrun.registry.modules.init import initialize
from nnrun.registry.modules.padding import blank, last, real_ticks
from nnrun.registry.modules.products import linear

State = tuple[Tensor, ...]

Run = Callable[["Cell", Tensor, State, Tensor | None], tuple[Tensor, State]]

SHUT = -1e4
"""A gate's score far below anything that the sigmoid tells from zero, and within the range of 16-bit floats."""


class Cell(nn.Module):
    """Base of the cells. A cell owes a `tick`, and a `kernel` where torch has one."""

    gates: ClassVar[int]
    parts: ClassVar[int] = 1
    """Vectors in a state: h, or h and c."""

    def __init__(
        self,
        features: int,
        units: int,
        *,
        activation: str = "tanh",
        recurrent_dropout: float = 0.0,
        init: str = "xavier",
        fused: bool = False,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.act = function(activation)
        self.recurrent_dropout = recurrent_dropout
        self.input = nn.Parameter(_stacked(self.gates, units, features, init))
        self.recurrent = nn.Parameter(_stacked(self.gates, units, units, init))
        self.bias = nn.Parameter(torch.zeros(self.gates * units))
        self.fused = fused
        """Whether torch has this very cell."""
        self.run: Run | None = None
        """A faster way through all ticks, if whoever builds a network has one."""

    def kernel(self, x: Tensor, state: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        """All ticks by torch's own kernel."""
        raise NotImplementedError

    def products(self) -> tuple[Tensor, ...]:
        """The recurrent weights as `tick` multiplies with them, prepared once for all ticks."""
        return (self.recurrent.t(),)

    def vectors(self) -> Mapping[str, Tensor]:
        """Weights that multiply entry by entry, (units), by their names in the equations of the node."""
        return {}

    def tick(self, x: Tensor, state: State, weights: tuple[Tensor, ...], kept: Tensor | None) -> State:
        """One tick. `x` is `input @ x + bias`, `weights` are the `products`, `kept` is the mask of recurrent dropout."""
        raise NotImplementedError

    def forward(self, x: Tensor, state: State, lengths: Tensor | None = None) -> tuple[Tensor, State]:
        if len(x) == 1:  # as when a network generates: a kernel gains nothing, and its products are slower
            return self.loop(x, state, lengths)
        if self.run is not None:
            return self.run(self, x, state, lengths)
        return self.kernel(x, state, lengths) if self.fused else self.loop(x, state, lengths)

    def loop(self, x: Tensor, state: State, lengths: Tensor | None = None) -> tuple[Tensor, State]:
        """All ticks, one by one."""
        # What needs no state is one product for all ticks. `unbind` once: slicing at each tick makes the gradient quadratic in T.
        projected = linear(x, self.input, self.bias).unbind()
        real = [None] * len(x) if lengths is None else real_ticks(lengths, len(x)).unsqueeze(-1).unbind()
        weights = self.products()
        kept = self.dropped(state[0])
        outputs = []
        for scores, here in zip(projected, real, strict=True):
            new = self.tick(scores, state, weights, kept)
            state = new if here is None else tuple(torch.where(here, a, b) for a, b in zip(new, state, strict=True))
            outputs.append(state[0])
        return blank(torch.stack(outputs), lengths), state

    def dropped(self, h: Tensor) -> Tensor | None:
        """The mask of recurrent dropout, the same at every tick (Gal and Ghahramani 2016, section 4)."""
        if not (self.training and self.recurrent_dropout):
            return None
        return factors(h, self.recurrent_dropout)


class Elman(Cell):
    """h_t = act(W x_t + U h_{t-1} + b).

    Source: Elman 1990, Finding structure in time.
    """

    gates = 1

    def kernel(self, x: Tensor, state: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        run = torch.rnn_tanh if self.activation == "tanh" else torch.rnn_relu
        weights = _weights(self.input, self.recurrent, self.bias)
        y, _ = run(x, _initial(state[0]), weights, True, 1, 0.0, self.training, False, False)
        return blank(y, lengths), (last(y, lengths, state[0]),)

    def tick(self, x: Tensor, state: State, weights: tuple[Tensor, ...], kept: Tensor | None) -> State:
        (h,) = state
        return (self.act(torch.addmm(x, _drop(h, kept), *weights)),)


class LSTM(Cell):
    """Long short-term memory. Gates in the order i, f, g, o, as in torch.

    i, f = sigmoid(W x_t + U h_{t-1} + b [+ p * c_{t-1}])
    g    = act(W x_t + U h_{t-1} + b)
    c_t  = f * c_{t-1} + i * g
    o    = sigmoid(W x_t + U h_{t-1} + b [+ p * c_t])
    h_t  = o * act(c_t)

    In brackets the peepholes, `peephole` (3, units) with p of i, f and o. They start at zero.

    Source: Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000 (f); Graves 2013, equations 7 to 11 (peepholes).
    """

    gates = 4
    parts = 2

    def __init__(self, features: int, units: int, *, peephole: bool = False, forget_bias: float = 1.0, **options: Any) -> None:
        super().__init__(features, units, **options)
        self.peephole = nn.Parameter(torch.zeros(3, units)) if peephole else None
        with torch.no_grad():
            self.bias[units : 2 * units] = forget_bias

    def kernel(self, x: Tensor, state: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        h, c = state
        weight: Tensor = self.input
        if lengths is not None:
            # The kernel returns c after the last padded tick only. So a further input, 1 in the padding, shuts i and o and
            # holds f open there: c stays, y is zero, and no gradient comes out.
            padded = ~real_ticks(lengths, len(x)).unsqueeze(-1)
            x = torch.cat([x, padded.to(x.dtype)], dim=-1)
            shut = weight.new_tensor([SHUT, -SHUT, 0, SHUT]).repeat_interleave(len(weight) // 4)
            weight = torch.cat([weight, shut.unsqueeze(1)], dim=1)
        weights = _weights(weight, self.recurrent, self.bias)
        y, _, end = torch.lstm(x, (_initial(h), _initial(c)), weights, True, 1, 0.0, self.training, False, False)
        return y, (last(y, lengths, h), end.squeeze(0))

    def vectors(self) -> Mapping[str, Tensor]:
        return {} if self.peephole is None else dict(zip(("to_i", "to_f", "to_o"), self.peephole.unbind(), strict=True))

    def tick(self, x: Tensor, state: State, weights: tuple[Tensor, ...], kept: Tensor | None) -> State:
        h, c = state
        i, f, g, o = torch.addmm(x, _drop(h, kept), *weights).chunk(4, dim=1)
        if self.peephole is not None:
            to_i, to_f, to_o = self.peephole
            i, f = torch.addcmul(i, to_i, c), torch.addcmul(f, to_f, c)
        c = f.sigmoid() * c + i.sigmoid() * self.act(g)
        if self.peephole is not None:
            o = torch.addcmul(o, to_o, c)
        return o.sigmoid() * self.act(c), c


class GRU(Cell):
    """Gated recurrent unit. Gates in the order r, z, n.

    r, z = sigmoid(W x_t + U h_{t-1} + b)
    n    = act(W x_t + U (r * h_{t-1}) + b)     reset before the product, or
    n    = act(W x_t + r * (U h_{t-1}) + b)     reset after it
    h_t  = (1 - z) * h_{t-1} + z * n

    torch and cuDNN swap the roles of z and 1 - z. As sigmoid(-a) = 1 - sigmoid(a), their weights and bias of z are the
    negatives of ours. They also have a second bias inside r * (U h + b'), which is zero here.

    Source: Cho et al. 2014 (reset before); Chung et al. 2014, section 3.2 (z as here).
    """

    gates = 3

    def __init__(self, features: int, units: int, *, reset: str = "after", **options: Any) -> None:
        super().__init__(features, units, **options)
        self.reset_after = reset == "after"

    def kernel(self, x: Tensor, state: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        weights = _weights(*map(_complement, (self.input, self.recurrent, self.bias)))
        y, _ = torch.gru(x, _initial(state[0]), weights, True, 1, 0.0, self.training, False, False)
        return blank(y, lengths), (last(y, lengths, state[0]),)

    def products(self) -> tuple[Tensor, ...]:
        units = self.recurrent.shape[1]
        return super().products() if self.reset_after else torch.split(self.recurrent.t(), [2 * units, units], dim=1)

    def tick(self, x: Tensor, state: State, weights: tuple[Tensor, ...], kept: Tensor | None) -> State:
        (h,) = state
        read, units = _drop(h, kept), h.shape[1]
        to_gates, to_n = torch.split(x, [2 * units, units], dim=1)
        if self.reset_after:
            from_gates, from_n = torch.split(linear(read, weights[0].t()), [2 * units, units], dim=1)
            r, z = (to_gates + from_gates).sigmoid().chunk(2, dim=1)
            n = torch.addcmul(to_n, r, from_n)
        else:
            r, z = torch.addmm(to_gates, read, weights[0]).sigmoid().chunk(2, dim=1)
            n = torch.addmm(to_n, r * read, weights[1])
        return (torch.lerp(h, self.act(n), z),)


def _stacked(gates: int, units: int, features: int, init: str) -> Tensor:
    return torch.cat([initialize(torch.empty(units, features), init) for _ in range(gates)])


def _initial(h: Tensor) -> Tensor:
    """A state as the kernels take it, (1, B, units)."""
    return h.unsqueeze(0).contiguous()


def _drop(h: Tensor, kept: Tensor | None) -> Tensor:
    return h if kept is None else h * kept


def _complement(weight: Tensor) -> Tensor:
    """Weights of a GRU with z and 1 - z swapped."""
    r, z, n = weight.chunk(3)
    return torch.cat([r, -z, n])


def _weights(weight: Tensor, recurrent: Tensor, bias: Tensor) -> list[Tensor]:
    """Weights as the kernels take them: with a second bias, which is zero."""
    return in_one_block([weight, recurrent, bias, torch.zeros_like(bias)])


def in_one_block(weights: list[Tensor]) -> list[Tensor]:
    """The same in one block of memory, which cuDNN wants: otherwise it warns, and makes one itself."""
    if not weights[0].is_cuda:
        return weights
    block = torch.cat([part.flatten() for part in weights])
    return [part.view_as(as_was) for part, as_was in zip(torch.split(block, [part.numel() for part in weights]), weights, strict=True)]
