"""A loop node by node, tick by tick, in plain autograd: for any node, differentiable as often as torch allows.

What every faster execution must equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from runner.compiler.ops import Op
from runner.compiler.recurrence import Recurrence
from runner.engine.loops.outside import Outside, is_whole

Call = Callable[[Op, Sequence[Tensor], Mapping[str, Tensor | None]], Tensor]
"""Runs an op's module on what it reads, in the order of `Op.reads`, and on lengths."""


def run(loop: Recurrence, call: Call, outside: Outside, initial: Mapping[str, Tensor], wanted: Sequence[str]) -> dict[str, Tensor]:
    """Values of the loop: (T, B, *axes) each, zeros at padded ticks.

    `initial` holds (depth, B, *axes) of each value that is read late: its ticks -depth to -1, the oldest first.
    """
    given = {
        (op.name, position): outside.at_each_tick(op, position)
        for op in loop.ops
        for position, value in enumerate(op.reads)
        if value.value not in loop.names
    }
    past = {name: list(tensor.unbind()) for name, tensor in initial.items()}
    kept: dict[str, list[Tensor]] = {name: [] for name in wanted}
    for tick in range(outside.ticks):
        rows = _real_rows(outside, tick)
        now: dict[str, Tensor] = {}
        for op in loop.ops:
            tensors = []
            for position, value in enumerate(op.reads):
                if (op.name, position) in given:
                    tensor = given[op.name, position][tick]
                else:
                    tensor = past[value.value][-value.delay] if value.delay else now[value.value]
                tensors.append(_select(tensor, rows, axis=1 if is_whole(op, position) else 0))
            now[op.name] = _with_padding(_at_tick(op, call, tensors, outside, tick, rows), rows, outside.batch)
        for name in past:
            past[name] = [*past[name], now[name]][-loop.depths[name] :]
        for name in kept:
            kept[name].append(now[name])
    return {name: torch.stack(values) for name, values in kept.items()}


def _at_tick(op: Op, call: Call, tensors: Sequence[Tensor], outside: Outside, tick: int, rows: Tensor | None) -> Tensor:
    """The value of an op for some examples, (rows, *axes)."""
    if op.name in outside.masks:
        mask = outside.masks[op.name]
        return tensors[0] * _select(mask[tick if len(mask) > 1 else 0], rows)
    if op.config.scope == "tick":
        return call(op, tensors, {})
    # a node along time that has no memory, on a sequence of one tick
    real = {port: outside.own_lengths.get(str(value)) for port, value in op.ports.items() if op.config.ports[port].time == "own"}
    lengths = {f"{port}_lengths": None if length is None else _select(length, rows) for port, length in real.items()}
    one = [
        tensor if value.shape.time is None or is_whole(op, position) else tensor.unsqueeze(0)
        for position, (value, tensor) in enumerate(zip(op.reads, tensors, strict=True))
    ]
    return call(op, one, lengths)[0]


def _real_rows(outside: Outside, tick: int) -> Tensor | None:
    """The examples that have this tick, None if all. Nothing is computed of the others: the slope of a padded value may be no number."""
    if outside.lengths is None or bool((outside.lengths > tick).all()):
        return None
    return torch.nonzero(outside.lengths > tick).squeeze(1)


def _select(tensor: Tensor, rows: Tensor | None, axis: int = 0) -> Tensor:
    return tensor if rows is None else tensor.index_select(axis, rows)


def _with_padding(value: Tensor, rows: Tensor | None, batch: int) -> Tensor:
    """Zeros for the examples that are not among `rows`."""
    return value if rows is None else value.new_zeros(batch, *value.shape[1:]).index_copy(0, rows, value)
