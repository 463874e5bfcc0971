"""What values were before the first tick: zeros, what the plan says, or what the window before left."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nnrun.registry.shape import Shape, known
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.types.ops import Input, Start
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.loops.pieces import remembered
from nnrun.runner.engine.network.memory import Memory
from nnrun.runner.engine.network.ticks import real

INITIAL = "initial"
"""The weight of a node that holds its learned start value."""


class Past:
    """The ticks before the first, of every value that is read late. `memory` holds those of the window before, where windows continue."""

    def __init__(self, plan: Plan, modules: Mapping[str, nn.Module | None], memory: Memory | None) -> None:
        self.starts, self.modules, self.memory = plan.starts, modules, memory
        self.first = {op.name: op.config.before for op in plan.ops}
        late = sorted((value for op in plan.ops for value in op.reads if value.delay), key=lambda value: value.delay)
        self.late: dict[str, Input] = {value.value: value for value in late}
        """By the name of a value, the latest reading of it."""

    def before(self, name: str, shape: Shape, like: Tensor, values: Mapping[str, Tensor], depth: int, batch: int) -> Tensor:
        """The last ticks of a value before the first, the oldest first: (depth, B, *axes); zeros where the plan says nothing."""
        start, axes = self.starts.get(name), tuple(map(known, shape.axes))
        carried = None if self.memory is None else self.memory.of(name, batch)
        if carried is not None:
            return carried[len(carried) - depth :]
        if start is None:
            dtype = like.dtype if shape.kind == "number" else torch.long
            return like.new_full((depth, batch, *axes), self.first.get(name, 0), dtype=dtype)
        if start.source is not None:
            given = values[start.source]
        else:
            owner = self.modules[name]
            assert owner is not None
            given = owner.get_parameter(INITIAL)[start.depth - depth :].unsqueeze(1)
        return given.to(like.dtype).expand(depth, batch, *axes)

    def delayed(self, value: Input, tensor: Tensor, values: Mapping[str, Tensor]) -> Tensor:
        """A value as it was so many ticks ago, (T, B, *axes)."""
        before = self.before(value.value, value.shape, tensor, values, value.delay, tensor.shape[1])
        return torch.cat([before, tensor])[: len(tensor)]

    def remember(self, values: Mapping[str, Tensor], batch: Batch) -> None:
        """The window is over: keep the last ticks of all that is read late, for the next one."""
        if self.memory is None:
            return
        for name, value in self.late.items():
            if name not in values:  # it leads to nothing that was asked for
                continue
            before = self.before(name, value.shape, values[name], values, value.delay, batch.count)
            self.memory.keep({name: remembered(before, values[name], real(value, batch))})
        self.memory.advance()


def learned(start: Start, frozen: bool) -> nn.Parameter:
    """What a value is before the first tick, as a weight: (depth, *axes), the oldest first."""
    return nn.Parameter(torch.zeros(start.depth, *map(known, start.shape.axes)), requires_grad=not frozen)
