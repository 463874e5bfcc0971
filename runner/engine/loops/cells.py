"""Cells that stand in a network as nodes: all of their ticks, on the same program as if their edges were drawn."""

from __future__ import annotations

from torch import Tensor

from nnrun.registry.modules.cells import Cell, State
from nnrun.registry.modules.padding import last
from nnrun.registry.recurrent import Recurrent
from nnrun.runner.compiler.loops.cells import cell_program
from nnrun.runner.compiler.loops.execution import Execution, Kind, choose_for_cell
from nnrun.runner.compiler.loops.program import Program
from nnrun.runner.engine.loops.executions import executions
from nnrun.runner.engine.loops.hoist import hoisted
from nnrun.runner.engine.loops.inputs import Inputs
from nnrun.runner.engine.loops.native import works
from nnrun.runner.engine.precision import full


class CellRunner:
    """Runs the cells of a node. `setting` is `train.compile`; `forced`, for comparisons, an execution that is taken whatever suits."""

    def __init__(self, name: str, config: Recurrent, setting: str, forced: Kind | None) -> None:
        self.title = f"the cell of `{name}`"
        self.config, self.setting, self.forced = config, setting, forced
        equations = config.equations()
        self.gates = equations.gates if equations is not None else ()
        self.program = cell_program(config)
        self.chosen: dict[str, Execution] = {}
        self.run = executions()

    def execution(self, device: str) -> Execution:
        """What runs the cells on `cpu` or `cuda`."""
        if device not in self.chosen:
            chosen = choose_for_cell(self.program, self.config.fused, self.setting, device, self.forced)
            if chosen.kind == "native" and self.forced is None and not self._compiles():
                chosen = choose_for_cell(self.program, self.config.fused, self.setting, device, compiles=False)
            self.chosen[device] = chosen
        return self.chosen[device]

    def _compiles(self) -> bool:
        """With a mask on h_{t-1}, if there is to be one, and without."""
        programs = [self.program, *([cell_program(self.config, True)] if self.config.recurrent_dropout else [])]
        return all(isinstance(program, Program) and works(program) for program in programs)

    def __call__(self, cell: Cell, x: Tensor, state: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        """All ticks of one layer in one direction, as `Cell` has them."""
        kind = self.execution(x.device.type).kind
        if kind == "fused":
            return cell.kernel(x, state, lengths)
        masked = cell.training and cell.recurrent_dropout > 0
        program = cell_program(self.config, masked) if masked else self.program
        if kind == "ticks" or isinstance(program, str):
            return cell.loop(x, state, lengths)
        with full(x.device):
            dtype = cell.bias.dtype
            inputs = self._inputs(program, cell, x.to(dtype), tuple(part.to(dtype) for part in state), lengths)
            found = self.run[kind](program, inputs)
            ends = tuple(last(found[name], lengths, start) for name, start in zip(program.outputs, state, strict=True))
        return found["h"], ends

    def _inputs(self, program: Program, cell: Cell, x: Tensor, state: State, lengths: Tensor | None) -> Inputs:
        parts = {
            kind: weight.chunk(cell.gates) for kind, weight in (("input", cell.input), ("recurrent", cell.recurrent), ("bias", cell.bias))
        }
        weights = {f"{gate}.{kind}": part for kind, chunks in parts.items() for gate, part in zip(self.gates, chunks, strict=True)}
        vectors = {**cell.vectors()}
        mask = cell.dropped(state[0])
        if mask is not None:
            vectors["mask"] = mask
        starts = dict(zip(program.outputs, state, strict=True))
        return Inputs(
            hoisted(program, weights, lambda outer: x),
            {name: vectors[name].view(1, -1, vectors[name].shape[-1]) for name in program.outers},
            {name: weights[name] for name in program.inner_weights},
            {name: starts[name].unsqueeze(0) for name in program.depths},
            len(x),
            x.shape[1],
            lengths,
        )
