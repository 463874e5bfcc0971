"""The intermediate form: what is computed, in order. The engine builds it; `nnrun show --plan` prints it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from nnrun.registry.field import Field
from nnrun.registry.objective import Loss, Metric
from nnrun.registry.shape import Axis, Shape, total
from nnrun.runner.compiler.energy.net import Net
from nnrun.runner.compiler.graph.graph import Graph, GraphNode
from nnrun.runner.compiler.graph.objectives import Objective, loss_labels
from nnrun.runner.compiler.language.edges import Reference
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.loops.recurrence import Recurrence
from nnrun.runner.compiler.types.decoding import Decoding
from nnrun.runner.compiler.types.ops import Input, Op, Start
from nnrun.runner.compiler.types.shapes import Typed, shared


@dataclass(frozen=True, slots=True)
class Comparison:
    """A loss or a metric, with what it compares."""

    config: Loss | Metric
    input: str
    target: str
    input_shape: Shape
    target_shape: Shape
    weights: str | None = None
    """The field that says how much each example counts."""

    @property
    def has_target(self) -> bool:
        """Whether the input is compared with another value."""
        return self.input != self.target

    @property
    def answer(self) -> str:
        """How the answer is called: `price`, `temperature_next`, or `price_q0.9`."""
        return self.target.replace(".", "_") + (self.config.ending if isinstance(self.config, Loss) else "")

    @property
    def is_forecast(self) -> bool:
        """Whether numbers behind a window are compared, at one tick or at several."""
        return self.target.endswith(".next") and self.target_shape.kind == "number"

    def __str__(self) -> str:
        if not self.has_target:
            return self.input
        weighed = f", weighed by {self.weights}" if self.weights is not None else ""
        return f"{self.config.type_name()}({self.input}, {self.target}{weighed})"


@dataclass(frozen=True)
class Plan:
    """A checked spec, ready to be built."""

    spec: Spec
    fields: Mapping[str, Field]
    values: Mapping[str, Shape]
    steps: tuple[Op | Recurrence, ...]
    losses: tuple[Comparison, ...]
    metrics: tuple[Comparison, ...]
    starts: Mapping[str, Start]
    """What values that are read late were before the first tick, where that is not zeros."""
    decoding: Decoding | None
    """How it generates, if it has a choice."""

    @cached_property
    def ops(self) -> tuple[Op, ...]:
        """All ops, those of loops among them."""
        return tuple(op for step in self.steps for op in (step.ops if isinstance(step, Recurrence) else (step,)))

    @property
    def loops(self) -> tuple[Recurrence, ...]:
        return tuple(step for step in self.steps if isinstance(step, Recurrence))

    nets: tuple[Net, ...] = ()
    """The energy networks; their groups are ops, too."""
    stages: tuple[Plan, ...] = ()
    """The trainings before this one, of the same graph."""

    @property
    def size(self) -> Axis:
        """Numbers that training changes."""
        return total([*(op.size for op in self.ops), *(start.size for start in self.starts.values()), *(net.size for net in self.nets)])

    def behind(self, values: Iterable[str], given: Collection[str] = ()) -> frozenset[str]:
        """The nodes and fields that values are computed from, at any tick, those of the values among them; but for what leads to nodes
        whose values are given."""
        ops, found = {op.name: op for op in self.ops if op.name not in given}, set[str]()
        todo = [value.partition(".")[0] for value in values]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += [value.value.partition(".")[0] for value in ops[name].reads] if name in ops else []
                start = self.starts.get(name)
                todo += [start.source.partition(".")[0]] if start is not None and start.source is not None else []
        return frozenset(found)

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """The values that are computed to predict, or to generate: those that judge alone, which may read the answer, are not."""
        if self.nets or not self.answering:
            return tuple(op.name for op in self.ops)
        generating = (*self.decoding.nodes, self.decoding.choice) if self.decoding is not None else ()
        return (*self.answers, *generating)

    @property
    def read(self) -> tuple[str, ...]:
        """The fields that the network needs to predict, in the order of the spec; not the one that it generates."""
        return self.read_for(self.asked)

    def read_for(self, values: Iterable[str]) -> tuple[str, ...]:
        """The fields that the network needs for some values; not the one that it generates."""
        named = self.behind(values)
        if self.decoding is not None:
            named -= {self.decoding.target}
        return tuple(name for name in self.fields if name in named)

    @property
    def foreseen(self) -> frozenset[str]:
        """The fields of which the network reads what comes behind the window: it is known in advance."""
        return self.foreseen_for(self.asked)

    def foreseen_for(self, values: Iterable[str]) -> frozenset[str]:
        """The same of what it reads for some values."""
        inputs = self.inputs_for(values)
        return frozenset(name for name in self.fields if f"{name}.next" in inputs)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The values of the data that the network reads to predict, `field` or `field.next`; not those of which the ticks alone count."""
        return self.inputs_for(self.asked)

    def inputs_for(self, values: Iterable[str]) -> tuple[str, ...]:
        """The same of what it reads for some values."""
        names = self.behind(values)
        ops = [op for op in self.ops if op.name in names]
        named = {value.value for op in ops for value in op.inputs}
        named |= {start.source for start in self.starts.values() if start.source is not None and start.value in names}
        named |= {value.value for op in ops for port, value in op.ports.items() if not op.config.ports[port].ticks_only}
        return tuple(name for name in self.values if name in named and name.partition(".")[0] in self.fields)

    @property
    def targets(self) -> list[str]:
        """The fields that losses judge, in any stage."""
        return [loss.target.partition(".")[0] for plan in (*self.stages, self) for loss in plan.losses]

    @cached_property
    def answering(self) -> tuple[Comparison, ...]:
        """What a prediction gives: the inputs of the losses, of several that judge by the same target the first, and each quantile.

        Where no loss has a target, those of the metrics; without metrics, too, what the losses make small.
        """
        judged = [loss for loss in self.losses if loss.has_target] or (self.losses and self.metrics) or self.losses
        first: dict[str, Comparison] = {}
        for one in judged:
            if self.decoding is None or one.target == self.decoding.target:  # a network that generates does nothing else
                first.setdefault(one.answer, one)
        return tuple(first.values())

    @property
    def answers(self) -> tuple[str, ...]:
        """The values of which a prediction is made."""
        return tuple(dict.fromkeys(one.input for one in self.answering))

    @property
    def loss_labels(self) -> tuple[str, ...]:
        """How each loss is logged, where there are several."""
        return loss_labels([loss.config for loss in self.losses if isinstance(loss.config, Loss)])

    def __str__(self) -> str:
        lines = [f"read {name} : {shape}" for name, shape in self.values.items() if name.partition(".")[0] in self.fields]
        inside = {name for loop in self.loops for name in loop.names}
        lines += [str(start) for start in self.starts.values() if start.value not in inside]
        lines += map(str, self.steps)
        lines += map(str, self.nets)
        lines += [f"minimise {' + '.join(map(str, self.losses))}"] if self.losses else []
        lines += [f"measure {', '.join(map(str, self.metrics))}"] if self.metrics else []
        lines += [str(self.decoding)] if self.decoding else []
        return "\n".join(lines)


def make_plan(spec: Spec, graph: Graph, typed: Typed, decoding: Decoding | None, nets: tuple[Net, ...] = ()) -> Plan:
    """The plan of a graph without errors."""
    ops = {name: _op(graph.nodes[name], typed, graph) for name in graph.order}
    losses, metrics = (tuple(_comparison(one, typed) for one in them) for them in (graph.losses, graph.metrics))
    starts = _starts(graph, typed, ops.values())
    judged = {name for one in (*losses, *metrics) for name in (one.input, one.target)}
    if spec.train is not None and (spec.train.truncate is not None or spec.train.carry_state):
        # what is read late goes from one piece of a sequence to the next
        judged |= {value.value for op in ops.values() for value in op.reads if value.delay}
    return Plan(spec, typed.fields, typed.values, tuple(_steps(graph, ops, starts, judged)), losses, metrics, starts, decoding, nets)


def _steps(graph: Graph, ops: Mapping[str, Op], starts: Mapping[str, Start], judged: set[str]) -> Iterable[Op | Recurrence]:
    """The ops, those of a loop together where its first one stands."""
    members = {name: loop for loop in graph.loops for name in loop.nodes}
    done: set[str] = set()
    for name, op in ops.items():
        if name not in members:
            yield op
        elif name not in done:
            inside = set(members[name].nodes)
            done |= inside
            read = judged | {value.value for other in ops.values() if other.name not in inside for value in other.reads}
            read |= {str(start.source) for start in starts.values()}
            yield Recurrence(
                tuple(ops[one] for one in ops if one in inside),
                tuple(one for one in ops if one in inside and one in read),
                {one: start for one, start in starts.items() if one in inside},
                members[name].edges,
            )


def _starts(graph: Graph, typed: Typed, ops: Iterable[Op]) -> dict[str, Start]:
    depths: dict[str, int] = {}
    for op in ops:
        for value in op.reads:
            depths[value.value] = max(depths.get(value.value, 0), value.delay)
    return {
        name: Start(name, depths[name], typed.values[name].tick, node.start.value if node.start else None)
        for name, node in graph.nodes.items()
        if node.start or node.learned
    }


def _op(node: GraphNode, typed: Typed, graph: Graph) -> Op:
    known = typed.nodes[node.name]
    inputs = tuple(_input(edge.source, typed) for edge in node.inputs)
    ports = {port: _input(edge.source, typed) for port, edge in node.ports.items()}
    share = getattr(known.config, "share", None)
    return Op(
        name=node.name,
        config=known.config,
        inputs=inputs,
        ports=ports,
        shape=known.shape,
        outputs=known.outputs,
        parameters=known.parameters,
        seen=(known.inputs, known.ports),
        share=shared(node.name, share, graph) if share is not None else None,
        path=node.path,
    )


def _input(reference: Reference, typed: Typed) -> Input:
    return Input(reference.value, reference.delay, typed.values[reference.value])


def _comparison(objective: Objective, typed: Typed) -> Comparison:
    input, target = objective.input.value, objective.target.value
    return Comparison(objective.config, input, target, typed.values[input], typed.values[target], objective.weights)
