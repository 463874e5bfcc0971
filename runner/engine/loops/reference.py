"""A loop's program, tick by tick, in plain autograd: what every faster execution must equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from registry.modules.merge import evaluator
from runner.compiler.program import Inner, Outer, Program, Sum


@dataclass(frozen=True)
class Inputs:
    """What a program is run on. All widths are the last axis; a single number has a width of 1."""

    sums: Mapping[str, Tensor]
    """Of each product, what has left the loop, with the bias: (T, B, width), or (1, B, width) or (1, 1, width) at all ticks alike."""
    outers: Mapping[str, Tensor]
    """Values read entry by entry: (T, B, width), or (1, B, width) where they are not along time."""
    weights: Mapping[str, Tensor]
    """(width, N) by full name."""
    initial: Mapping[str, Tensor]
    """(depth, B, width) by value: its ticks -depth to -1, the oldest first."""
    ticks: int
    batch: int
    lengths: Tensor | None = None
    """Real ticks of each example, (B,). At padded ticks values are zeros and no gradient arrives."""
    scratch: bool = False
    """Nobody else reads the sums, so that their memory may be written over."""


def run(program: Program, inputs: Inputs) -> dict[str, Tensor]:
    """The outputs of a program: (T, B, width) each."""
    functions = {map.name: evaluator(map.expression) for map in program.maps}
    sums = {name: tensor.expand(inputs.ticks, inputs.batch, -1).unbind() for name, tensor in inputs.sums.items()}
    outers = {name: tensor.expand(inputs.ticks, inputs.batch, -1).unbind() for name, tensor in inputs.outers.items()}
    past = {name: list(tensor.expand(-1, inputs.batch, -1).unbind()) for name, tensor in inputs.initial.items()}
    kept: dict[str, list[Tensor]] = {name: [] for name in program.outputs}
    for tick in range(inputs.ticks):
        now: dict[str, Tensor] = {}
        rows = _real_rows(inputs, tick)

        def read(value: Inner, now: dict[str, Tensor] = now, rows: slice | Tensor = rows) -> Tensor:
            return (past[value.name][-value.delay] if value.delay else now[value.name])[rows]

        for map in program.maps:
            values = []
            for operand in map.reads:
                match operand:
                    case Sum(name=name):
                        total = sums[name][tick][rows]
                        for term in program.products[name].terms:
                            total = total + F.linear(read(term.value), inputs.weights[term.weight])
                        values.append(total)
                    case Outer(name=name):
                        values.append(outers[name][tick][rows])
                    case Inner():
                        values.append(read(operand))
            value = functions[map.name](values)
            now[map.name] = _with_padding(value.expand(-1, map.width), rows, inputs.batch)
        for name in past:
            past[name] = [*past[name], now[name]][-program.depths[name] :]
        for name in kept:
            kept[name].append(now[name])
    return {name: torch.stack(values) for name, values in kept.items()}


def _real_rows(inputs: Inputs, tick: int) -> slice | Tensor:
    """The examples that have this tick. Nothing is computed of the others: the slope of a padded value may be no number."""
    if inputs.lengths is None or bool((inputs.lengths > tick).all()):
        return slice(None)
    return torch.nonzero(inputs.lengths > tick).squeeze(1)


def _with_padding(value: Tensor, rows: slice | Tensor, batch: int) -> Tensor:
    """Zeros for the examples that are not among `rows`."""
    return value if isinstance(rows, slice) else value.new_zeros(batch, value.shape[1]).index_copy(0, rows, value)
