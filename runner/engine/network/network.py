"""Plan -> torch module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from nnrun.registry.modules.padding import cut, real_ticks
from nnrun.registry.modules.stack import Stack
from nnrun.registry.node import Trainable
from nnrun.registry.options import Regularize
from nnrun.registry.recurrent import Recurrent
from nnrun.registry.shape import Shape, known
from nnrun.runner.compiler.language.spec import Train
from nnrun.runner.compiler.loops.execution import Kind
from nnrun.runner.compiler.loops.recurrence import Recurrence
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.types.ops import Input, Op, Start
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.energy.graph import answer, build_machines
from nnrun.runner.engine.energy.machine import Machine
from nnrun.runner.engine.loops.cells import CellRunner
from nnrun.runner.engine.loops.outside import Outside, Readings
from nnrun.runner.engine.loops.pieces import bounds, loop_in_pieces, remembered
from nnrun.runner.engine.loops.run import Runner
from nnrun.runner.engine.loops.stepper import Stepper
from nnrun.runner.engine.network.memory import Memory
from nnrun.runner.engine.network.symbols import allowed

NOTHING: Mapping[str, Tensor | None] = {}


class Network(nn.Module):
    """A plan as a module: a batch in, the values that are asked for out.

    Each node is a submodule of its own name, so that a weight is called `node.weight`, in blocks `block/node.weight`; a learned
    start value is `node.initial`. `execution`, for comparisons, is how all loops are run.
    """

    def __init__(self, plan: Plan, execution: Kind | None = None) -> None:
        super().__init__()
        # All attributes before the first module: a node may have the name of any of them.
        train = plan.spec.train or Train()
        self.plan = plan
        self.runs: dict[str, nn.Module] = {}
        self.loops = {loop.names[0]: Runner(loop, self.runs, train.compile, execution) for loop in plan.loops}
        self.cells: dict[str, CellRunner] = {}
        self.machines: dict[str, Machine] = {}
        self.truncate = train.truncate
        self.memory = Memory() if train.carry_state else None
        late = sorted((value for op in plan.ops for value in op.reads if value.delay), key=lambda value: value.delay)
        self.late = {value.value: value for value in late}  # the latest reading of each
        self.feedback = max((float(getattr(op.config, "feedback", 0.0)) for op in plan.ops), default=0.0)
        self.first = {op.name: op.config.before for op in plan.ops}
        self.images = any(len(value.shape.axes) == 3 for op in plan.ops for value in op.inputs)
        for op in plan.ops:
            if op.share is not None:
                continue
            inputs, ports = op.seen
            module = op.config.build(*inputs, **ports)
            if isinstance(op.config, Trainable) and op.config.freeze:
                module.requires_grad_(False)
            # not add_module: a node may be called `type` or `forward`, and nothing looks them up as attributes
            self._modules[op.name] = module
            self.runs[op.name] = module
            if isinstance(op.config, Recurrent):
                self.cells[op.name] = CellRunner(op.name, op.config, train.compile, execution)
                assert isinstance(module, Stack)
                for cell in module.cells:
                    cell.run = self.cells[op.name]
        for op in plan.ops:
            if op.share is not None:
                self.runs[op.name] = self.runs[op.share]
        for start in plan.starts.values():
            if start.source is None:
                self._learn(start)
        self.machines.update({name: machine for machine in build_machines(plan, self) for name in machine.groups})
        if self.images:  # channels last: on a CPU twice as fast, pooling far more
            self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, batch: Batch, wanted: tuple[str, ...]) -> dict[str, Tensor]:
        """Values by name, for each of `wanted`: `node`, `node.output`, `field` or `field.next`."""
        values = self._values(batch, wanted, self._own_choices(batch) if self.training and self.feedback else {})
        if self.memory is not None:
            self._remember(values, batch, self.memory)
            self.memory.advance()
        return {name: values[name] for name in wanted}

    def _values(self, batch: Batch, wanted: Sequence[str], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """All values, those of loops as far as they are read or wanted; some may be given."""
        values = {**batch.values, **given}
        for step in self.plan.steps:
            if isinstance(step, Recurrence):
                inside = [name for name in wanted if name in step.names and name not in step.outputs]
                self._loop(step, values, batch, [*step.outputs, *inside])
            elif step.name not in given:
                self.run(step, values, batch)
        return values

    @torch.no_grad()
    def _own_choices(self, batch: Batch) -> dict[str, Tensor]:
        """The choice with some of its targets replaced by what the network would choose, were the symbols before right."""
        decoding = self.plan.decoding
        assert decoding is not None
        right = batch.values[decoding.target]
        before = {name: buffer.clone() for name, buffer in self.named_buffers()}
        best = allowed(self._values(batch, (decoding.scores,), {})[decoding.scores]).argmax(-1)
        for name, buffer in self.named_buffers():  # running statistics count a batch once
            buffer.copy_(before[name])
        return {decoding.choice: torch.where(torch.rand(right.shape, device=right.device) < self.feedback, best, right)}

    def each(self, batch: Batch) -> Iterator[tuple[Op, Tensor]]:
        """The value of every op, in the order in which they are computed; of loops tick by tick, so that none is left out."""
        values = dict(batch.values)
        for step in self.plan.steps:
            if isinstance(step, Recurrence):
                self._loop(step, values, batch, step.names)
            else:
                self.run(step, values, batch)
            for op in step.ops if isinstance(step, Recurrence) else (step,):
                yield op, values[op.name]

    def run(self, op: Op, values: dict[str, Tensor], batch: Batch) -> None:
        """Compute an op and put its values beside the others."""
        if op.name in self.machines:  # the first group of an energy network answers for all
            if op.name not in values:
                values.update(answer(self.machines[op.name], self.plan, values))
            return
        result = self._over_time(op, values, batch) if op.config.scope == "time" else self._at_each_tick(op, values, batch)
        if isinstance(result, tuple):
            values[op.name], *others = result
            values.update((f"{op.name}.{output}", value) for output, value in zip(op.config.outputs, others, strict=True))
        else:
            values[op.name] = result

    def penalties(self, everywhere: Regularize) -> list[tuple[nn.Parameter, float, float]]:
        """Weights to keep small, with the strength of their absolute values and of their squares; no biases, and no start values."""
        found = []
        for net in self.plan.nets if everywhere.l1 or everywhere.l2 else ():
            weights = (self.get_parameter(f"{coupling.name}.weight") for coupling in net.couplings)
            found += [(weight, everywhere.l1, everywhere.l2) for weight in weights if weight.requires_grad]
        for op in self.plan.ops:
            own = op.config.regularize if isinstance(op.config, Trainable) else Regularize()
            common = everywhere if op.share is None else Regularize()
            l1, l2 = own.l1 + common.l1, own.l2 + common.l2
            if l1 or l2:
                trained = [(name, weight) for name, weight in self.runs[op.name].named_parameters() if weight.requires_grad]
                found += [(weight, l1, l2) for name, weight in trained if name.rpartition(".")[2] not in ("bias", "initial")]
        return found

    def _read(self, value: Input, values: Mapping[str, Tensor]) -> Tensor:
        tensor = values[value.value]
        if tensor.ndim == 4 and self.images:
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        if value.delay:
            before = self._before(value.value, value.shape, tensor, values, value.delay, tensor.shape[1])
            tensor = torch.cat([before, tensor])[: len(tensor)]
        return tensor

    def _remember(self, values: Mapping[str, Tensor], batch: Batch, memory: Memory) -> None:
        """Keep the last ticks of all that is read late, for the next window."""
        for name, value in self.late.items():
            before = self._before(name, value.shape, values[name], values, value.delay, batch.count)
            memory.keep({name: remembered(before, values[name], _real(value, batch))})

    def _before(self, name: str, shape: Shape, like: Tensor, values: Mapping[str, Tensor], depth: int, batch: int) -> Tensor:
        """The last ticks of a value before the first, the oldest first: (depth, B, *axes); zeros where the plan says nothing."""
        start, axes = self.plan.starts.get(name), tuple(map(known, shape.axes))
        first = self.first.get(name, 0)
        carried = None if self.memory is None else self.memory.of(name, batch)
        if carried is not None:
            return carried[len(carried) - depth :]
        if start is None:
            dtype = like.dtype if shape.kind == "number" else torch.long
            return like.new_full((depth, batch, *axes), first, dtype=dtype)
        if start.source is not None:
            given = values[start.source]
        else:
            given = self.get_submodule(name).get_parameter("initial")[start.depth - depth :].unsqueeze(1)
        return given.to(like.dtype).expand(depth, batch, *axes)

    def _learn(self, start: Start) -> None:
        """What a value is before the first tick, as a weight of its node: (depth, *axes), the oldest first."""
        owner = self._modules.get(start.value)
        if owner is None:  # its other weights are another node's
            owner = self._modules[start.value] = nn.Module()
        frozen = any(op.name == start.value and getattr(op.config, "freeze", False) for op in self.plan.ops)
        weight = nn.Parameter(torch.zeros(start.depth, *map(known, start.shape.axes)), requires_grad=not frozen)
        owner.register_parameter("initial", weight)

    def stepper(self, batch: Batch, ticks: int) -> Stepper:
        """What generates, before the first symbol: one row for each example."""
        decoding = self.plan.decoding
        assert decoding is not None
        values = {name: value for name, value in batch.values.items() if name != decoding.target}
        stepped = {*decoding.nodes, decoding.choice}
        for step in self.plan.steps:
            ops = step.ops if isinstance(step, Recurrence) else (step,)
            own = {op.name for op in ops}
            if own & stepped or any(value.value not in values and value.value not in own for op in ops for value in op.reads):
                continue  # runs symbol by symbol, or judges only
            if isinstance(step, Recurrence):
                self._loop(step, values, batch, step.outputs)
            else:
                self.run(step, values, batch)
        device = next(iter(self.parameters())).device
        chosen = [op for op in self.plan.ops if op.name in decoding.nodes]
        one = torch.zeros(1, batch.count, device=device)  # a tick of what is not known yet, where only ticks count
        outside = Outside.of(
            Readings.of(chosen, stepped),
            lambda value: one if value.value == decoding.target else self._read(value, values),
            lambda value: None if value.value == decoding.target else _real(value, batch),
            ticks,
            batch.count,
            None,
        )
        shapes = {op.name: op.shape for op in self.plan.ops}
        initial = {
            name: self._before(name, shapes[name], one, values, value.delay, batch.count)
            for name, value in self.late.items()
            if name in stepped
        }
        return Stepper(chosen, self.runs, outside, initial)

    def _loop(self, loop: Recurrence, values: dict[str, Tensor], batch: Batch, wanted: Sequence[str]) -> None:
        """Run a loop and put the values that are wanted beside the others. Its numbers have 32 bits, whatever the large products have."""
        ticks = len(batch.values[loop.time])
        lengths = None if loop.ops[0].shape.ticks is not None else batch.real(loop.time)
        device = batch.values[loop.time].device.type
        with torch.autocast(device, enabled=False) if torch.is_autocast_enabled(device) else nullcontext():
            run = self.loops[loop.names[0]]
            outside = Outside.of(
                run.readings,
                lambda value: _wide(self._read(value, values)),
                lambda value: _real(value, batch),
                ticks,
                batch.count,
                lengths,
            )
            like = outside.example
            initial = {name: self._before(name, run.shapes[name], like, values, depth, batch.count) for name, depth in loop.depths.items()}
            outside = run.with_masks(outside)
            length = self.truncate
            values |= run(outside, initial, wanted) if length is None else loop_in_pieces(run, outside, initial, wanted, length)

    def _over_time(self, op: Op, values: Mapping[str, Tensor], batch: Batch) -> Tensor | tuple[Tensor, ...]:
        """A node with memory gets the whole sequence, and the number of its real ticks."""
        rules = op.config.ports
        lengths = {f"{port}_lengths": _real(value, batch) for port, value in op.ports.items() if rules[port].time == "own"}
        alike = [*op.inputs, *(value for port, value in op.ports.items() if rules[port].time == "same")]
        own = next((value for value in alike if value.shape.time is not None), None)
        if own is not None:
            lengths["lengths"] = _real(own, batch)
        tensors = [self._read(value, values) for value in op.reads]
        if "initial" in rules and "state" in op.config.outputs and (self.truncate is not None or self.memory is not None):
            return self._with_state(op, tensors, lengths.get("lengths"), batch)
        return self._call(op, tensors, lengths)

    def _with_state(self, op: Op, tensors: Sequence[Tensor], lengths: Tensor | None, batch: Batch) -> tuple[Tensor, Tensor]:
        """A node with a state, in pieces, and from the state in which the last window ended."""
        x, *initial = tensors
        carried = None if self.memory is None else self.memory.of(op.name, batch.count)
        state = carried.squeeze(0) if carried is not None else initial[0] if initial else None
        parts = []
        for start, stop in bounds(len(x), self.truncate or len(x)):
            before = state.detach() if start and state is not None else state
            y, state = self.runs[op.name](x[start:stop], lengths=cut(lengths, start, stop), initial=before)
            parts.append(y)
        assert state is not None
        if self.memory is not None:
            self.memory.keep({op.name: state.detach().unsqueeze(0)})
        return torch.cat(parts), state

    def _at_each_tick(self, op: Op, values: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """A node without memory does every tick alone: ticks are so many more examples to it."""
        tensors = [self._read(value, values) for value in op.reads]
        if op.shape.time is None:
            return self._call(op, tensors)
        timed = [value.shape.time is not None for value in op.reads]
        if op.config.batch == "any":
            return self._call(op, [tensor if has else tensor.unsqueeze(0) for tensor, has in zip(tensors, timed, strict=True)])
        ticks = next(len(tensor) for tensor, has in zip(tensors, timed, strict=True) if has)
        spread = [tensor if has else tensor.expand(ticks, *tensor.shape) for tensor, has in zip(tensors, timed, strict=True)]
        lengths = batch.real(op.shape.time)
        if op.config.batch == "one" or lengths is None:
            folded = self._call(op, [tensor.flatten(0, 1) for tensor in spread])
            return folded.reshape(ticks, batch.count, *folded.shape[1:])
        real = real_ticks(lengths, ticks)
        chosen = self._call(op, [tensor[real] for tensor in spread])
        result = chosen.new_zeros((ticks, batch.count, *chosen.shape[1:]))
        result[real] = chosen
        return result

    def _call(self, op: Op, tensors: Sequence[Tensor], lengths: Mapping[str, Tensor | None] = NOTHING) -> Tensor:
        inputs, ports = tensors[: len(op.inputs)], dict(zip(op.ports, tensors[len(op.inputs) :], strict=True))
        result: Tensor = self.runs[op.name](*inputs, **ports, **lengths)  # a tuple where the op has outputs
        return result


def _real(value: Input, batch: Batch) -> Tensor | None:
    """Real ticks of each example, (B,); None where nothing is padded."""
    return None if value.shape.time is None or value.shape.ticks is not None else batch.real(value.shape.time)


def _wide(tensor: Tensor) -> Tensor:
    """Numbers of 16 bits, as mixed precision makes them, as ones of 32."""
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor
