"""What loops are measured against: torch's own cells, a loop by hand, jax and Keras. Each computes what our network computes."""

from __future__ import annotations

from typing import Any

import torch
from cells import Problem, Step, gates
from torch import Tensor, nn

from nnrun.runner.engine.network.network import Network


def lstm(problem: Problem, network: Network) -> Step:
    """nn.LSTM; with lengths, on a PackedSequence."""
    module = nn.LSTM(problem.size.inputs, problem.size.units, device=problem.device)
    _fill(module, gates(network, "ifgo"))
    lengths = problem.lengths
    if lengths is None:
        return problem.step(lambda: module(problem.x)[0], module.parameters())

    def packed() -> Tensor:
        rows = nn.utils.rnn.pack_padded_sequence(problem.x, lengths, enforce_sorted=False)
        padded: Tensor = nn.utils.rnn.pad_packed_sequence(module(rows)[0], total_length=problem.size.ticks)[0]
        return padded

    return problem.step(packed, module.parameters())


def gru(problem: Problem, network: Network) -> Step:
    """nn.GRU."""
    module = nn.GRU(problem.size.inputs, problem.size.units, device=problem.device)
    into, across, bias = (
        torch.cat([part, network.get_parameter(name).detach()])
        for part, name in zip(gates(network, "rz"), ("new.weight.0", "old.weight.0", "new.bias"), strict=True)
    )
    _fill(module, (into, across, bias))
    with torch.no_grad():
        module.bias_hh_l0[-problem.size.units :] = network.get_parameter("old.bias")
    return problem.step(lambda: module(problem.x)[0], module.parameters())


def products(problem: Problem, gates: int) -> Step:
    """The products of a cell and no more, as if all ticks could be one: what no execution on this processor can be faster than."""
    size = problem.size
    rows, width = size.ticks * size.batch, gates * size.units
    x, h, gradient = (torch.randn(rows, columns) for columns in (size.inputs, size.units, width))
    into, across = torch.randn(width, size.inputs), torch.randn(width, size.units)

    def once() -> Tensor:
        for read, weight in ((x, into), (h, across)):
            torch.mm(read, weight.t())
            torch.mm(gradient, weight)
            torch.mm(read.t(), gradient)
        return h

    return once


def by_hand(problem: Problem, network: Network) -> Step:
    """A loop over nn.LSTMCell. Not over `x[t]`: its gradient is a tensor as large as x at every tick."""
    cell = nn.LSTMCell(problem.size.inputs, problem.size.units)
    _fill(cell, gates(network, "ifgo"))

    def loop() -> Tensor:
        h = c = problem.x.new_zeros(problem.size.batch, problem.size.units)
        values = []
        for x in problem.x.unbind():
            h, c = cell(x, (h, c))
            values.append(h)
        return torch.stack(values)

    return problem.step(loop, cell.parameters())


def scan(problem: Problem, network: Network) -> Step:
    """jax: a plain step of an LSTM under lax.scan, compiled."""
    import jax
    import jax.numpy as jnp

    x, arriving, *weights = (jnp.asarray(tensor.detach().numpy()) for tensor in (problem.x, problem.arriving, *gates(network, "ifgo")))

    def loss(x: Any, into: Any, across: Any, bias: Any) -> Any:
        def tick(state: Any, x: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(x @ into.T + h @ across.T + bias, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zeros = jnp.zeros((x.shape[1], across.shape[1]), x.dtype)
        _, values = jax.lax.scan(tick, (zeros, zeros), x)
        return (values * arriving).sum(), values

    compiled = jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2, 3), has_aux=True))

    def once() -> Tensor:
        (_, values), _ = jax.block_until_ready(compiled(x, *weights))
        return torch.from_dlpack(values)

    return once


def keras_cell(problem: Problem, network: Network) -> Step:
    """Keras on torch: an LSTM as a cell of one's own in keras.layers.RNN."""
    import keras

    class Cell(keras.layers.Layer):  # type: ignore[misc]
        state_size = output_size = None

        def __init__(self, units: int) -> None:
            super().__init__()
            self.state_size, self.output_size, self.units = [units, units], units, units

        def build(self, shape: Any) -> None:
            self.into = self.add_weight(shape=(shape[-1], 4 * self.units))
            self.across = self.add_weight(shape=(self.units, 4 * self.units))
            self.bias = self.add_weight(shape=(4 * self.units,))

        def call(self, x: Any, states: Any, training: bool = False) -> Any:
            h, c = states
            i, f, g, o = keras.ops.split(keras.ops.matmul(x, self.into) + keras.ops.matmul(h, self.across) + self.bias, 4, axis=1)
            c = keras.ops.sigmoid(f) * c + keras.ops.sigmoid(i) * keras.ops.tanh(g)
            h = keras.ops.sigmoid(o) * keras.ops.tanh(c)
            return h, [h, c]

    cell = Cell(problem.size.units)
    layer = keras.layers.RNN(cell, return_sequences=True)
    layer.build((problem.size.batch, problem.size.ticks, problem.size.inputs))
    into, across, bias = gates(network, "ifgo")
    cell.into.assign(into.t())
    cell.across.assign(across.t())
    cell.bias.assign(bias)
    return problem.step(lambda: layer(problem.x.transpose(0, 1)).transpose(0, 1), layer.parameters())


def _fill(module: nn.Module, weights: tuple[Tensor, Tensor, Tensor]) -> None:
    """Put in weights of x and of h, and the biases; a second bias is zeros."""
    with torch.no_grad():
        for parameter, weight in zip(module.parameters(), (*weights, torch.zeros_like(weights[2])), strict=True):
            parameter.copy_(weight)
