"""The intermediate form: what is computed, in order. The engine builds it; `nnrun show --plan` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from registry.field import Field
from registry.node import Node
from registry.objective import Loss, Metric
from registry.shape import Axis, Shape, product, total
from runner.compiler.diagnostic import Path
from runner.compiler.edges import Reference
from runner.compiler.graph import Graph, GraphNode
from runner.compiler.objectives import Objective
from runner.compiler.shapes import Typed, shared
from runner.compiler.spec import Spec


@dataclass(frozen=True, slots=True)
class Input:
    """A value that an op reads."""

    value: str
    """`field`, `field.next`, `node` or `node.output`."""
    delay: int
    """Ticks; what lies before the first tick is zeros."""
    shape: Shape
    """Its type, time axis included."""

    def __str__(self) -> str:
        return self.value if not self.delay else f"prev({self.value})" if self.delay == 1 else f"prev({self.value}, {self.delay})"


@dataclass(frozen=True)
class Op:
    """One node to run."""

    name: str
    config: Node
    inputs: tuple[Input, ...]
    ports: Mapping[str, Input]
    shape: Shape
    outputs: Mapping[str, Shape]
    parameters: Mapping[str, tuple[Axis, ...]]
    seen: tuple[tuple[Shape, ...], Mapping[str, Shape]]
    """Types as the node's rule and builder take them: of one tick, for a node without memory."""
    share: str | None
    """The op whose weights it uses."""
    path: Path

    @property
    def size(self) -> Axis:
        """Numbers that training changes; none where they are another op's."""
        return 0 if self.share else total(product(sizes) for sizes in self.parameters.values())

    def __str__(self) -> str:
        reads = [*map(str, self.inputs), *(f"{port}={value}" for port, value in self.ports.items())]
        return f"{self.name} = {self.config.type_name()}({', '.join(reads)}) : {self.shape}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A loss or a metric, with what it compares."""

    config: Loss | Metric
    input: str
    target: str
    input_shape: Shape
    target_shape: Shape

    def __str__(self) -> str:
        return f"{self.config.type_name()}({self.input}, {self.target})"


@dataclass(frozen=True)
class Plan:
    """A checked spec, ready to be built."""

    spec: Spec
    fields: Mapping[str, Field]
    values: Mapping[str, Shape]
    ops: tuple[Op, ...]
    losses: tuple[Comparison, ...]
    metrics: tuple[Comparison, ...]

    @property
    def size(self) -> Axis:
        """Numbers that training changes."""
        return total(op.size for op in self.ops)

    @property
    def read(self) -> tuple[str, ...]:
        """The fields that the network needs to predict, in the order of the spec."""
        named = {value.value for op in self.ops for value in (*op.inputs, *op.ports.values())}
        return tuple(name for name in self.fields if name in named)

    @property
    def answers(self) -> tuple[str, ...]:
        """The values that are judged: what a prediction gives."""
        return tuple(dict.fromkeys(loss.input for loss in self.losses))

    def __str__(self) -> str:
        lines = [f"read {name} : {shape}" for name, shape in self.values.items() if name.partition(".")[0] in self.fields]
        lines += map(str, self.ops)
        lines += [f"minimise {' + '.join(map(str, self.losses))}"] if self.losses else []
        lines += [f"measure {', '.join(map(str, self.metrics))}"] if self.metrics else []
        return "\n".join(lines)


def make_plan(spec: Spec, graph: Graph, typed: Typed) -> Plan:
    """The plan of a graph without errors."""
    ops = tuple(_op(graph.nodes[name], typed, graph) for name in graph.order)
    losses, metrics = (tuple(_comparison(one, typed) for one in them) for them in (graph.losses, graph.metrics))
    return Plan(spec, typed.fields, typed.values, ops, losses, metrics)


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
    return Comparison(objective.config, input, target, typed.values[input], typed.values[target])
