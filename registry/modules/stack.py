"""Layers and directions of a recurrent cell."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nnrun.registry.modules.cells import Cell, State
from nnrun.registry.modules.dropout import Dropout
from nnrun.registry.modules.padding import blank, flip


class Stack(nn.Module):
    """Cells above each other; each layer reads the outputs of the one below, `dropout` of them set to zero in training.

    A second cell in each layer reads the sequence from its end, if `bidirectional`; the outputs of both stand side by side.
    The cells are called `layer1`, `layer1_reverse`, `layer2`, …

    Shape: x (T, B, N), or (T, B) for one number at each tick -> y (T, B, units * directions), state (B, parts, units).
    The parts of the state are h of every cell in the order above, then, for an LSTM, c of every cell. A reversed cell ends at
    the first tick. `initial` is such a state, or (B, units): then it is h of every cell.
    """

    def __init__(self, cell: Callable[[int], Cell], features: int, units: int, *, layers: int, bidirectional: bool, dropout: float) -> None:
        super().__init__()
        self.units = units
        self.directions = 2 if bidirectional else 1
        self.layers = layers
        for layer in range(1, layers + 1):
            for suffix in ("", "_reverse")[: self.directions]:
                self.add_module(f"layer{layer}{suffix}", cell(features))
            features = units * self.directions
        self.between = Dropout(dropout, axes=1)

    @property
    def cells(self) -> list[Cell]:
        return [cell for cell in self.children() if isinstance(cell, Cell)]

    def forward(self, x: Tensor, *, lengths: Tensor | None = None, initial: Tensor | None = None) -> tuple[Tensor, Tensor]:
        y = blank(x.unsqueeze(-1) if x.dim() == 2 else x, lengths)
        starts = self._starts(y, initial)
        ends: list[State] = []
        for number, cell in enumerate(self.cells):
            layer, reverse = divmod(number, self.directions)
            if not reverse:
                below = self.between(y) if layer else y
                y, end = cell(below, starts[number], lengths)
            else:
                back, end = cell(flip(below, lengths), starts[number], lengths)
                y = torch.cat([y, flip(back, lengths)], dim=-1)
            ends.append(end)
        return y, torch.stack([part for parts in zip(*ends, strict=True) for part in parts], dim=1)

    def _starts(self, x: Tensor, initial: Tensor | None) -> list[State]:
        """The state in which each cell starts."""
        cells = self.cells
        zeros = x.new_zeros(x.shape[1], self.units)
        h_and_c = [zeros] * len(cells) * cells[0].parts
        if initial is not None:
            given = [initial] * len(cells) if initial.dim() == 2 else list(initial.unbind(1))
            h_and_c[: len(given)] = given
        return [tuple(h_and_c[number :: len(cells)]) for number in range(len(cells))]
