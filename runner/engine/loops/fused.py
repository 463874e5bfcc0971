"""A loop that was recognised as a cell of the literature, on torch's fused kernel."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from registry.modules.padding import real_ticks
from runner.compiler.program import Program
from runner.compiler.recognise import Cell


def run(
    program: Program, cell: Cell, x: Tensor, weights: Mapping[str, Tensor], initial: Mapping[str, Tensor], lengths: Tensor | None
) -> dict[str, Tensor]:
    """The states of the cell: h as (T, B, N), zeros at padded ticks.

    `x` is (T, B, N), `weights` and biases by full name, `initial` (1, B, N) by state.
    """
    gates = [cell.gates[gate] for gate in ("i", "f", "g", "o")] if cell.kind == "lstm" else [cell.gates["h"]]
    products = [program.products[name] for name in gates]
    into = torch.cat([weights[product.outer[0][0]] for product in products])
    across = torch.cat([weights[product.terms[0].weight] for product in products])
    bias = torch.cat([weights[str(product.bias)] for product in products])
    flat = [into, across, bias, torch.zeros_like(bias)]
    options = (True, 1, 0.0, False, False, False)  # biases, layers, dropout, training, bidirectional, batch first
    h = cell.states["h"]
    if cell.kind == "lstm":
        y, _, _ = torch.lstm(x, [initial[h], initial[cell.states["c"]]], flat, *options)
    else:
        kernel = torch.rnn_tanh if cell.function == "tanh" else torch.rnn_relu
        y, _ = kernel(x, initial[h], flat, *options)
    if lengths is not None:
        y = torch.where(real_ticks(lengths, len(y)).unsqueeze(-1), y, torch.zeros((), dtype=y.dtype, device=y.device))
    return {h: y}
