"""A program in torch operations, with the weight gradients after the loop: for any number type, on any device, without a compiler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from nnrun.runner.compiler.loops.layout import layout
from nnrun.runner.compiler.loops.program import Program
from nnrun.runner.engine.loops import function
from nnrun.runner.engine.loops.code.eager_source import Code, Key, Run, eager_code
from nnrun.runner.engine.loops.function import Gradients, Trace
from nnrun.runner.engine.loops.inputs import Inputs


def run(program: Program, inputs: Inputs) -> dict[str, Tensor]:
    """The outputs of a program: (T, B, width) each. Differentiable once."""
    return function.run(Eager(), program, inputs)


class Eager:
    """The execution. One that is recorded, for other lengths to come, looks at none."""

    def __init__(self, recorded: bool = False) -> None:
        self.recorded = recorded

    def forward(self, program: Program, inputs: Inputs) -> Trace:
        every = (inputs.ticks, inputs.batch)
        pre = [
            sums if sums.shape[:2] == every else sums.expand(*every, -1).clone(memory_format=torch.contiguous_format)
            for sums in inputs.sums
        ]
        trace = Trace(pre, function.kept_values(program, inputs))
        code, _ = eager_code(program)
        lists = _Lists(program, inputs, trace)
        self._call(code, lists)
        trace.rest = {key: lists.made[key] for key in code.lists if key[0] in ("saved", "run", "part")}
        return trace

    def backward(self, program: Program, inputs: Inputs, trace: Trace, arriving: Mapping[str, Tensor | None]) -> Gradients:
        _, code = eager_code(program)
        lists = _Lists(program, inputs, trace, arriving)
        lists.made.update(trace.rest)
        self._call(code, lists)
        trace.pre = lists.changes
        outers = {name: lists.gathered(("outer gradient", name), width) for name, (_, width) in program.outers.items()}
        initial = {
            name: lists.gathered(("gathered", name), layout(program).widths[name], len(given)) for name, given in inputs.initial.items()
        }
        return Gradients(outers, initial)

    def _call(self, code: Code, lists: _Lists) -> None:
        # No tensor made in the loop is asked for its gradient or its history: without either, a small operation takes half the time.
        with torch.inference_mode():
            code.run(lists.inputs.ticks, self._whole(lists.inputs), *(lists[key] for key in code.lists))

    def _whole(self, inputs: Inputs) -> int:
        """How many ticks all examples have, as far as is known."""
        if inputs.lengths is None:
            return inputs.ticks
        if self.recorded or inputs.lengths.device.type != "cpu":  # a GPU would have to tell
            return 0
        return min(inputs.ticks, int(inputs.lengths.min()))


class _Lists:
    """The lists that printed code takes, made when they are asked for."""

    def __init__(self, program: Program, inputs: Inputs, trace: Trace, arriving: Mapping[str, Tensor | None] | None = None) -> None:
        self.program, self.inputs, self.trace, self.arriving = program, inputs, trace, arriving or {}
        self.made: dict[Key, Any] = {}
        self.changes = [torch.empty_like(pre) for pre in trace.pre] if arriving is not None else []

    def __getitem__(self, key: Key) -> Any:
        if key not in self.made:
            self.made[key] = self._make(key)
        return self.made[key]

    def gathered(self, key: Key, width: int, count: int | None = None) -> Tensor:
        """Gradients of the first ticks of a list, zeros where none arrived."""
        zero = self["zero", width]
        return torch.stack([zero if gradient is None else gradient for gradient in self[key][:count]])

    def _make(self, key: Key) -> Any:
        ticks = self.inputs.ticks
        depths = self.program.depths
        match key:
            case ("padded",):
                lengths = self.inputs.lengths
                return [] if lengths is None else (lengths <= torch.arange(ticks, device=lengths.device).unsqueeze(1)).unsqueeze(2).unbind()
            case "weight", int(number), int(position):
                return self["weight back", number, position].t()
            case "weight back", int(number), int(position):
                names = layout(self.program).blocks[number].weights(position)
                return torch.cat([self.inputs.weights[name].detach() for name in names])
            case "pre", int(number):
                return self.trace.pre[number].unbind()
            case "sum", str(name):
                return self._columns(self.trace.pre, name).unbind()
            case "pre run", Run() as run:
                return self.trace.pre[run.block][..., run.start : run.stop].unbind()
            case "change", int(number):
                return self.changes[number].unbind()
            case "change of", str(name):
                return self._columns(self.changes, name).unbind()
            case "change run", Run() as run:
                return self.changes[run.block][..., run.start : run.stop].unbind()
            case "run", int(), Run() as run:
                return self["results", run].unbind()
            case "part", int(), Run() as run, int(position):
                return self["results", run][..., position * run.width : (position + 1) * run.width].unbind()
            case "results", Run() as run:
                return self.trace.pre[run.block].new_empty(ticks, self.inputs.batch, run.stop - run.start)
            case "slots", Run() as run:
                return self.trace.pre[run.block].new_empty(self.inputs.batch, run.stop - run.start)
            case "slot", Run() as run, int(position):
                return self["slots", run][:, position * run.width : (position + 1) * run.width]
            case "value", str(name):
                return self.trace.values[name].unbind()
            case "outer", str(name):
                return self.inputs.outers[name].expand(ticks, self.inputs.batch, -1).unbind()
            case "arriving", str(name):
                gradient = self.arriving[name]
                return [None] * ticks if gradient is None else gradient.unbind()
            case "zero", int(width):
                return next(iter(self.trace.values.values())).new_zeros(self.inputs.batch, width)
            case "saved", *_:
                return [None] * ticks
            case "gathered", str(name):
                return [None] * (ticks + depths.get(name, 0))
            case "outer gradient", str(name):
                return [None] * (ticks if self.program.outers[name][0].timed else 1)
        raise KeyError(key)

    def _columns(self, tensors: list[Tensor], name: str) -> Tensor:
        """Of the product of that name."""
        for block, tensor in zip(layout(self.program).blocks, tensors, strict=True):
            if name in block.columns:
                start = block.columns[name]
                return tensor[..., start : start + self.program.products[name].width]
        raise KeyError(name)
