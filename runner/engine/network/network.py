"""Plan -> torch module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from nnrun.registry.algebra.ticks import origin
from nnrun.registry.modules import chance
from nnrun.registry.modules.stack import Stack
from nnrun.registry.node import Holding, Trainable
from nnrun.registry.options import Regularize
from nnrun.registry.recurrent import Recurrent
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.loops.execution import Kind
from nnrun.runner.compiler.loops.recurrence import Recurrence
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.types.ops import Input, Op
from nnrun.runner.engine.chance import refuse_chance
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.energy.graph import answer, build_machines
from nnrun.runner.engine.energy.machine import Machine
from nnrun.runner.engine.loops.cells import CellRunner
from nnrun.runner.engine.loops.outside import Outside
from nnrun.runner.engine.loops.pieces import loop_in_pieces
from nnrun.runner.engine.loops.run import Runner
from nnrun.runner.engine.network.again import computed_again
from nnrun.runner.engine.network.lives import Way, way_to
from nnrun.runner.engine.network.memory import Memory
from nnrun.runner.engine.network.past import INITIAL, Past, learned
from nnrun.runner.engine.network.symbols import allowed
from nnrun.runner.engine.network.ticks import Value, at_each_tick, call, in_pieces, lengths_of, real
from nnrun.runner.engine.precision import full
from nnrun.runner.engine.shortage import blame


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
        self.past = Past(plan, self._modules, self.memory)
        self.frozen: set[str] = set()
        """Nodes that stay as they are, and whose values are those of inference while the others learn."""
        self.feedback = max((float(getattr(op.config, "feedback", 0.0)) for op in plan.ops), default=0.0)
        self.ways: dict[tuple[tuple[str, ...], tuple[str, ...]], Way] = {}
        """For what is wanted and what is given, the steps that lead there."""
        self.images = any(len(value.shape.axes) == 3 for op in plan.ops for value in op.inputs)
        for op in plan.ops:
            if op.share is None:
                self._build(op, execution)
        for op in plan.ops:
            if op.share is not None:
                self.runs[op.name] = self.runs[op.share]
        frozen = {op.name for op in plan.ops if isinstance(op.config, Trainable) and op.config.freeze}
        self.frozen.update(frozen)
        for start in plan.starts.values():
            if start.source is None:
                owner = self._modules.setdefault(start.value, nn.Module())  # where its other weights are another node's
                assert owner is not None
                owner.register_parameter(INITIAL, learned(start, start.value in frozen))
        self.machines.update({name: machine for machine in build_machines(plan, self) for name in machine.groups})
        if self.images:  # channels last: on a CPU twice as fast, pooling far more
            self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def train(self, mode: bool = True) -> Network:
        """Go over to training, or to inference; what is frozen stays there."""
        super().train(mode)
        for name in self.frozen if mode else ():
            if name in self.runs:
                self.runs[name].eval()
        return self

    def _build(self, op: Op, execution: Kind | None) -> None:
        """Make the module of an op."""
        inputs, ports = op.seen
        try:
            module = op.config.build(*inputs, **ports)
        except (MemoryError, RuntimeError) as error:
            blame(op, error)
            raise
        if isinstance(op.config, Trainable) and op.config.freeze:
            module.requires_grad_(False)
        # not add_module: a node may be called `type` or `forward`, and nothing looks them up as attributes
        self._modules[op.name] = module
        self.runs[op.name] = module
        if isinstance(op.config, Recurrent):
            train = self.plan.spec.train or Train()
            self.cells[op.name] = CellRunner(op.name, op.config, train.compile, execution)
            assert isinstance(module, Stack)
            for cell in module.cells:
                cell.run = self.cells[op.name]

    def forward(self, batch: Batch, wanted: tuple[str, ...]) -> dict[str, Tensor]:
        """Values by name, for each of `wanted`: `node`, `node.output`, `field` or `field.next`."""
        values = self._values(batch, wanted, self._own_choices(batch) if self.training and self.feedback else {})
        self.past.remember(values, batch)
        return {name: values[name] for name in wanted}

    def _values(self, batch: Batch, wanted: tuple[str, ...], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The values that are wanted, and others that were needed; some may be given."""
        values = {**batch.values, **given}
        known = wanted, tuple(given)
        if known not in self.ways:
            self.ways[known] = way_to(self.plan, *known)
        for step, spent in self.ways[known]:
            try:
                if isinstance(step, Recurrence):
                    inside = [name for name in wanted if name in step.names and name not in step.outputs]
                    self._loop(step, values, batch, [*step.outputs, *inside])
                else:
                    self.run(step, values, batch)
            except (MemoryError, RuntimeError) as error:
                op = step.ops[0] if isinstance(step, Recurrence) else step
                blame(op, error)
                refuse_chance(error, op)
                raise
            for name in spent:
                del values[name]
        return values

    def answer(self, batch: Batch, wanted: tuple[str, ...], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same where the values of some nodes are given: what leads to these alone is not computed, and need not be in the batch."""
        values = self._values(batch, wanted, given)
        return {name: values[name] for name in wanted}

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
        chance.at(decoding.choice)
        return {decoding.choice: torch.where(chance.uniform(right.float(), 1) < self.feedback, best, right)}

    def each(self, batch: Batch) -> Iterator[list[tuple[Op, Tensor]]]:
        """The value of every op, in the order in which they are computed; those of a loop together, computed tick by tick."""
        values = dict(batch.values)
        for step in self.plan.steps:
            if isinstance(step, Recurrence):
                self._loop(step, values, batch, step.names)
            else:
                self.run(step, values, batch)
            yield [(op, values[op.name]) for op in (step.ops if isinstance(step, Recurrence) else (step,))]

    def run(self, step: Op | Recurrence, values: dict[str, Tensor], batch: Batch) -> None:
        """Compute an op, or a loop as far as it is read outside, and put its values beside the others."""
        if isinstance(step, Recurrence):
            self._loop(step, values, batch, step.outputs)
        elif step.name in self.machines:  # the first group of an energy network answers for all
            if step.name not in values:
                values.update(answer(self.machines[step.name], self.plan, values))
        else:
            main, *others = self._computed(step, [self.read(value, values) for value in step.reads], batch)
            values[step.name] = main
            values.update((f"{step.name}.{output}", value) for output, value in zip(step.config.outputs, others, strict=True))

    def _computed(self, op: Op, tensors: Sequence[Tensor], batch: Batch) -> tuple[Tensor, ...]:
        """The values of an op: the main one, and its outputs."""
        goes_on = self._goes_on(op)
        carried = self.memory.of(op.name, batch.count) if goes_on and self.memory is not None else None

        def computed(*tensors: Tensor) -> Value:
            chance.at(op.name)
            if op.config.scope == "tick":
                return at_each_tick(self.runs[op.name], op, tensors, batch)
            lengths = lengths_of(op, batch)
            if goes_on:
                return self._with_state(op, tensors, lengths.get("lengths"), carried)
            return call(self.runs[op.name], op, tensors, lengths)

        again = isinstance(op.config, Holding) and op.config.recompute and torch.is_grad_enabled()
        result = computed_again(computed, tensors, self.runs[op.name]) if again else computed(*tensors)
        if goes_on and self.memory is not None:
            self.memory.keep({op.name: result[1].detach().unsqueeze(0)})
        return result if isinstance(result, tuple) else (result,)

    def read(self, value: Input, values: Mapping[str, Tensor]) -> Tensor:
        """A value as an op reads it: late, and with channels last where it is an image."""
        tensor = values[value.value]
        if tensor.ndim == 4 and self.images:
            if tensor.shape[1] == 1:  # one channel lies in either order: said here, for weights that are divided do not say it
                tensor = tensor.reshape(len(tensor), *tensor.shape[2:], 1).permute(0, 3, 1, 2)
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        return self.past.delayed(value, tensor, values) if value.delay else tensor

    def penalties(self, everywhere: Regularize) -> list[tuple[nn.Parameter, float, float]]:
        """Weights to keep small, with the strength of their absolute values and of their squares; no biases, and no start values.

        A lateral edge holds each of its numbers in two places, which are half as strong each: the one number counts once.
        """
        found = []
        for net in self.plan.nets if everywhere.l1 or everywhere.l2 else ():
            for coupling in net.couplings:
                weight, places = self.get_parameter(f"{coupling.name}.weight"), 2 if coupling.lateral else 1
                if weight.requires_grad:
                    found.append((weight, everywhere.l1 / places, everywhere.l2 / places))
        for op in self.plan.ops:
            own = op.config.regularize if isinstance(op.config, Trainable) else Regularize()
            common = everywhere if op.share is None else Regularize()
            l1, l2 = own.l1 + common.l1, own.l2 + common.l2
            if l1 or l2:
                trained = [(name, weight) for name, weight in self.runs[op.name].named_parameters() if weight.requires_grad]
                found += [(weight, l1, l2) for name, weight in trained if name.rpartition(".")[2] not in ("bias", INITIAL)]
        return found

    def _loop(self, loop: Recurrence, values: dict[str, Tensor], batch: Batch, wanted: Sequence[str]) -> None:
        """Run a loop and put the values that are wanted beside the others. Its numbers have 32 bits, whatever the large products have."""
        ticks = batch.ticks(loop.time)
        lengths = None if loop.ops[0].shape.ticks is not None else batch.real(loop.time)
        chance.at(loop.names[0])
        with full(batch.values[origin(loop.time)].device):
            run = self.loops[loop.names[0]]
            outside = Outside.of(
                run.readings,
                lambda value: _wide(self.read(value, values)),
                lambda value: real(value, batch),
                ticks,
                batch.count,
                lengths,
                None if lengths is None else batch.host[loop.time],
            )
            like = outside.example
            initial = {
                name: self.past.before(name, run.shapes[name], like, values, depth, batch.count) for name, depth in loop.depths.items()
            }
            outside = run.with_masks(outside)
            length = self.truncate
            values |= run(outside, initial, wanted) if length is None else loop_in_pieces(run, outside, initial, wanted, length)

    def _goes_on(self, op: Op) -> bool:
        """Whether a node's state goes from piece to piece of a sequence, or from window to window."""
        keeps = "initial" in op.config.ports and "state" in op.config.outputs
        return keeps and (self.truncate is not None or self.memory is not None)

    def _with_state(self, op: Op, tensors: Sequence[Tensor], lengths: Tensor | None, carried: Tensor | None) -> tuple[Tensor, Tensor]:
        """A node from the state in which the last window ended."""
        x, *initial = tensors
        state = carried.squeeze(0) if carried is not None else initial[0] if initial else None
        return in_pieces(self.runs[op.name], x, lengths, state, self.truncate)


def _wide(tensor: Tensor) -> Tensor:
    """Numbers of 16 bits, as mixed precision makes them, as ones of 32."""
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor
