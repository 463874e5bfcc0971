"""How a node's module meets ticks and padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from nnrun.registry.modules.padding import cut
from nnrun.runner.compiler.types.ops import Input, Op
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.loops.pieces import bounds

Value = Tensor | tuple[Tensor, ...]
"""A tuple where the op has outputs."""

NOTHING: Mapping[str, Tensor | None] = {}


def call(module: nn.Module, op: Op, tensors: Sequence[Tensor], lengths: Mapping[str, Tensor | None] = NOTHING) -> Value:
    """The module on its inputs, ports by name."""
    inputs, ports = tensors[: len(op.inputs)], dict(zip(op.ports, tensors[len(op.inputs) :], strict=True))
    result: Value = module(*inputs, **ports, **lengths)
    return result


def at_each_tick(module: nn.Module, op: Op, tensors: Sequence[Tensor], batch: Batch) -> Value:
    """A node without memory does every tick alone: ticks are so many more examples to it."""
    if op.shape.time is None:
        return call(module, op, tensors)
    timed = [value.shape.time is not None for value in op.reads]
    if op.config.batch == "any":
        return call(module, op, [tensor if has else tensor.unsqueeze(0) for tensor, has in zip(tensors, timed, strict=True)])
    ticks = next(len(tensor) for tensor, has in zip(tensors, timed, strict=True) if has)
    spread = [tensor if has else tensor.expand(ticks, *tensor.shape) for tensor, has in zip(tensors, timed, strict=True)]
    places = batch.places(op.shape.time) if op.config.batch == "real" else None
    if places is None:
        folded = _tensor(call(module, op, [tensor.flatten(0, 1) for tensor in spread]))
        return folded.reshape(ticks, batch.count, *folded.shape[1:])
    chosen = _tensor(call(module, op, [tensor.flatten(0, 1).index_select(0, places) for tensor in spread]))
    result = chosen.new_zeros((ticks * batch.count, *chosen.shape[1:])).index_copy(0, places, chosen)
    return result.view(ticks, batch.count, *chosen.shape[1:])


def lengths_of(op: Op, batch: Batch) -> dict[str, Tensor | None]:
    """What a node with memory is told beside its sequences: the real ticks of each example, of ports with a time axis of their own too."""
    rules = op.config.ports
    lengths = {f"{port}_lengths": real(value, batch) for port, value in op.ports.items() if rules[port].time == "own"}
    alike = [*op.inputs, *(value for port, value in op.ports.items() if rules[port].time == "same")]
    own = next((value for value in alike if value.shape.time is not None), None)
    if own is not None:
        lengths["lengths"] = real(own, batch)
    return lengths


def in_pieces(module: nn.Module, x: Tensor, lengths: Tensor | None, state: Tensor | None, size: int | None) -> tuple[Tensor, Tensor]:
    """A node with a state, `size` ticks at a time, without gradients from piece to piece."""
    parts = []
    for start, stop in bounds(len(x), size or len(x)):
        before = state.detach() if start and state is not None else state
        y, state = module(x[start:stop], lengths=cut(lengths, start, stop), initial=before)
        parts.append(y)
    assert state is not None
    return torch.cat(parts), state


def real(value: Input, batch: Batch) -> Tensor | None:
    """Real ticks of each example, (B,); None where nothing is padded."""
    return None if value.shape.time is None or value.shape.ticks is not None else batch.real(value.shape.time)


def _tensor(value: Value) -> Tensor:
    assert isinstance(value, Tensor)
    return value
