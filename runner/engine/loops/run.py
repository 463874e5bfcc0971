"""A loop of a network, in the execution that suits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from nnrun.registry.shape import known
from nnrun.runner.compiler.loops.execution import Execution, Kind, choose
from nnrun.runner.compiler.loops.program import Program
from nnrun.runner.compiler.loops.recurrence import Recurrence
from nnrun.runner.compiler.text.words import listed
from nnrun.runner.engine.loops import fused, ticks
from nnrun.runner.engine.loops.executions import executions
from nnrun.runner.engine.loops.hoist import hoisted
from nnrun.runner.engine.loops.inputs import Inputs
from nnrun.runner.engine.loops.native import works
from nnrun.runner.engine.loops.outside import Outside, Readings


class Runner:
    """Runs a loop. `setting` is `train.compile`; `forced`, for comparisons, an execution that is taken whatever suits."""

    def __init__(self, loop: Recurrence, modules: Mapping[str, nn.Module], setting: str, forced: Kind | None) -> None:
        self.loop, self.modules, self.setting, self.forced = loop, modules, setting, forced
        self.title = f"the loop of {listed(loop.names)}"
        self.readings = Readings.of(loop.ops, loop.names)
        self.shapes = {op.name: op.shape for op in loop.ops}
        self.masked = any(op.config.mask is not None for op in loop.ops)
        self.chosen: dict[str, Execution] = {}
        self.run = executions()
        self.owners: dict[str, tuple[Mapping[str, Any], str]] = {}
        """Of each weight of the program, the parameters among which it is, and its name there; found at the first run."""

    def execution(self, device: str) -> Execution:
        """What runs the loop on `cpu` or `cuda`."""
        if device not in self.chosen:  # once: recognising a cell takes a tenth of a millisecond
            chosen = choose(self.loop.program, self.setting, device, self.forced)
            program = self.loop.program
            if chosen.kind == "native" and self.forced is None and isinstance(program, Program) and not works(program):
                chosen = choose(program, self.setting, device, compiles=False)
            self.chosen[device] = chosen
        return self.chosen[device]

    def __call__(self, outside: Outside, initial: Mapping[str, Tensor], wanted: Sequence[str]) -> dict[str, Tensor]:
        """Values of the loop, (T, B, *axes) each, zeros at padded ticks; `initial` is (depth, B, *axes) of each value read late."""
        execution = self.execution(next(iter(initial.values())).device.type)
        program = self.loop.program
        if execution.kind == "ticks" or not set(wanted) <= set(self.loop.outputs) or isinstance(program, str):
            return ticks.run(self.loop, self.modules, outside, initial, wanted)
        starts = {name: tensor if tensor.dim() == 3 else tensor.unsqueeze(-1) for name, tensor in initial.items()}
        self.owners = self.owners or {name: self._owner(name) for name in program.weights}
        weights: dict[str, Tensor] = {name: held[own] for name, (held, own) in self.owners.items()}
        if execution.cell is not None:
            found = fused.run(program, execution.cell, outside, weights, starts)
        else:
            outers = {name: outside.flat(outer) for name, (outer, _) in program.outers.items()}
            sums = hoisted(program, weights, outside.flat)
            inner = {name: weights[name] for name in program.inner_weights}
            inputs = Inputs(sums, outers, inner, starts, outside.ticks, outside.batch, outside.lengths)
            found = self.run[execution.kind](program, inputs)
        return {name: tensor if self.shapes[name].axes else tensor.squeeze(-1) for name, tensor in found.items()}

    def with_masks(self, outside: Outside) -> Outside:
        """The same with the random factors of all ticks: each execution has the same, and so has each piece of a sequence."""
        if not self.masked:
            return outside
        masks: dict[str, Tensor] = {}
        for op in self.loop.ops:
            if op.config.mask is not None:
                ticks = outside.ticks if op.config.mask == "tick" else 1
                module: Any = self.modules[op.name]
                masks[op.name] = module.mask(outside.example.new_empty(ticks, outside.batch, *map(known, op.shape.axes)))
        return replace(outside, masks=masks)

    def _owner(self, name: str) -> tuple[Mapping[str, Any], str]:
        owner, _, own = name.partition(".")
        path, _, leaf = own.rpartition(".")
        return self.modules[owner].get_submodule(path)._parameters, leaf
