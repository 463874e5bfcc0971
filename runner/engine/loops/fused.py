"""A loop that was recognised as a cell of the literature, on torch's fused kernel."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from nnrun.registry.modules.cells import in_one_block
from nnrun.registry.modules.padding import blank
from nnrun.runner.compiler.loops.program import Outer, Product, Program
from nnrun.runner.compiler.loops.recognise import Cell
from nnrun.runner.engine.loops.outside import Outside

OPTIONS = (True, 1, 0.0, False, False, False)
"""Of torch's kernels: biases, layers, dropout, training, bidirectional, batch first."""


def run(program: Program, cell: Cell, outside: Outside, weights: Mapping[str, Tensor], initial: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The states of the cell: h as (T, B, N), zeros at padded ticks.

    `weights` and biases come by full name, `initial` as (1, B, N) by state.
    """
    x, h = outside.flat(Outer(cell.input, True)), cell.states["h"]
    products = {gate: program.products[name] for gate, name in cell.gates.items()}
    start = initial[h].contiguous()
    if cell.kind == "lstm":
        states = [start, initial[cell.states["c"]].contiguous()]
        y, _, _ = torch.lstm(x, states, _stacked([products[gate] for gate in "ifgo"], weights), *OPTIONS)
    elif cell.kind == "gru":
        x = torch.cat([x, outside.flat(Outer(cell.candidate, True))], dim=-1)
        y, _ = torch.gru(x, start, _of_gru(cell, products, weights), *OPTIONS)
    else:
        kernel = torch.rnn_tanh if cell.function == "tanh" else torch.rnn_relu
        y, _ = kernel(x, start, _stacked([products["h"]], weights), *OPTIONS)
    return {h: blank(y, outside.lengths)}


def _stacked(products: list[Product], weights: Mapping[str, Tensor]) -> list[Tensor]:
    """Weights below each other as the kernels take them: of x, of h, the bias and a second one."""
    into = torch.cat([weights[product.outer[0][0]] for product in products])
    across = torch.cat([weights[product.terms[0].weight] for product in products])
    bias = torch.cat([weights[str(product.bias)] for product in products])
    return in_one_block([into, across, bias, torch.zeros_like(bias)])


def _of_gru(cell: Cell, products: Mapping[str, Product], weights: Mapping[str, Tensor]) -> list[Tensor]:
    """The candidate stands beside x, and comes in by a weight of ones on the diagonal: it is computed outside of the loop.

    In torch, z is what is kept. Where it is what is taken, its weights and bias change their sign: sigmoid(-a) = 1 - sigmoid(a).
    """
    width = products["n"].width
    across = {gate: weights[product.terms[0].weight] for gate, product in products.items()}
    none = across["n"].new_zeros(width)
    bias = {gate: weights[product.bias] if product.bias else none for gate, product in products.items()}
    into = {gate: weights[products[gate].outer[0][0]] for gate in "rz"}
    if not cell.keeps:
        across["z"], bias["z"], into["z"] = -across["z"], -bias["z"], -into["z"]
    features = into["r"].shape[1]
    gates = torch.nn.functional.pad(torch.cat([into["r"], into["z"]]), (0, width))
    diagonal = torch.nn.functional.pad(torch.eye(width, dtype=none.dtype, device=none.device), (features, 0))
    flat = [
        torch.cat([gates, diagonal]),
        torch.cat([across["r"], across["z"], across["n"]]),
        torch.cat([bias["r"], bias["z"], none]),
        torch.cat([none, none, bias["n"]]),
    ]
    return in_one_block(flat)
