"""A loop that was recognised as a cell of the literature, on torch's fused kernel."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from registry.modules.padding import blank
from runner.compiler.program import Outer, Program
from runner.compiler.recognise import Cell
from runner.engine.loops.outside import Outside


def run(program: Program, cell: Cell, outside: Outside, weights: Mapping[str, Tensor], initial: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The states of the cell: h as (T, B, N), zeros at padded ticks.

    `weights` and biases come by full name, `initial` as (1, B, N) by state.
    """
    x = outside.flat(Outer(cell.input, True))
    gates = [cell.gates[gate] for gate in ("i", "f", "g", "o")] if cell.kind == "lstm" else [cell.gates["h"]]
    products = [program.products[name] for name in gates]
    into = torch.cat([weights[product.outer[0][0]] for product in products])
    across = torch.cat([weights[product.terms[0].weight] for product in products])
    bias = torch.cat([weights[str(product.bias)] for product in products])
    flat = [into, across, bias, torch.zeros_like(bias)]
    options = (True, 1, 0.0, False, False, False)  # biases, layers, dropout, training, bidirectional, batch first
    h = cell.states["h"]
    if cell.kind == "lstm":
        y, _, _ = torch.lstm(x, [initial[h].contiguous(), initial[cell.states["c"]].contiguous()], flat, *options)
    else:
        kernel = torch.rnn_tanh if cell.function == "tanh" else torch.rnn_relu
        y, _ = kernel(x, initial[h].contiguous(), flat, *options)
    return {h: blank(y, outside.lengths)}
