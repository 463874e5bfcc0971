"""Plan -> the memory that its training takes: sizes multiplied as whole numbers, nothing allocated, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

from nnrun.registry.algebra.ticks import origin, ticks_along
from nnrun.registry.learners.contrastive_divergence import ContrastiveDivergence
from nnrun.registry.node import Holding, Trainable
from nnrun.registry.shape import Axis, Shape, product
from nnrun.registry.source import Source
from nnrun.registry.training import Optimizer
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.text.diagnostic import Path
from nnrun.runner.compiler.types.ops import Op

NUMBER, SYMBOL, RAW = 4, 8, 8
"""Bytes of a number of the network, of a symbol, and of a number as sources give it."""

JUDGED = 256
"""Examples at once in an evaluation, at least."""

ANNEALED = 100
"""Chains of the estimates of an energy network."""

COPIES = 4
"""Times that the states of an energy network are there at once: before and after a sweep, their fields, random numbers."""

BACKWARD, FORWARD = 4, 2
"""Times that the values of a batch are there at once: with their gradients in a step, without in an evaluation; and as much again in
gaps, for the heap is not returned during a run (`engine/prepare.py`)."""

ELSE = 256 << 20
"""Bytes of all else: what libraries keep for themselves, drawings, the baseline, the record. Measured: 170 to 230 MiB."""

What = Literal["weights", "values", "data"]


@dataclass(frozen=True, slots=True)
class Share:
    """What one node or field takes."""

    name: str
    path: Path
    what: What
    size: int
    """Bytes."""


NOTHING = Share("", (), "data", 0)


@dataclass(frozen=True)
class Memory:
    """What a training takes, in bytes, beyond what the imports of a run take; an estimate from above.

    Sizes that only the data tells count as 1 while it is not read.
    """

    weights: int
    gradients: int
    optimizer: int
    average: int
    """A moving average of the weights."""
    kept: int
    """The best weights so far."""
    values: int
    """All values of the network in one batch, held for the backward pass, and their gradients."""
    data: int
    batch: int
    """Examples of the largest batch."""
    largest: Share
    """Of all nodes and fields."""
    read: Share
    """The largest field."""

    @property
    def lasting(self) -> int:
        """What the weights take with all that a training keeps of them."""
        return self.weights + self.gradients + self.optimizer + self.average

    @property
    def total(self) -> int:
        return self.lasting + self.kept + self.values + self.data + ELSE

    def divided(self, processes: int) -> Memory:
        """What one of several processes takes that divide it among them. In evaluations it has whole weights."""
        held = {name: -(-getattr(self, name) // processes) for name in ("gradients", "optimizer", "average", "kept")}
        return replace(self, **held)

    def __str__(self) -> str:
        parts = {
            "weights": self.weights,
            "gradients": self.gradients,
            "optimizer": self.optimizer,
            "their average": self.average,
            "best weights": self.kept,
            f"values of a batch of {self.batch:,}": self.values,
            "data": self.data,
            "all else": ELSE,
        }
        return f"about {in_bytes(self.total)}: " + ", ".join(f"{name} {in_bytes(size)}" for name, size in parts.items() if size)


def in_bytes(size: int) -> str:
    """A size as people read it."""
    for unit, bytes in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if size >= bytes:
            return f"{size / bytes:,.1f} {unit}"
    return f"{size / 1024:,.0f} KiB"


def in_gib(size: int) -> str:
    """A size that is compared with what a machine has."""
    return f"{size / (1 << 30):,.1f} GiB" if size >= 1 << 30 else f"{size / (1 << 30):.2g} GiB"


def needed(plan: Plan, rows: int | None = None, examples: int | None = None, ticks: Mapping[str, int] | None = None) -> Memory:
    """What the training of a plan takes. `rows` of the data, `examples` to learn from and the most `ticks` by time axis, as far as they
    are known; a batch is as large as the spec says while nobody knows how many examples there are."""
    source = plan.spec.data.source if plan.spec.data is not None else None
    made = source.makes if isinstance(source, Source) else None
    rows = rows or made or 1
    stages = [stage.spec.train or Train() for stage in (*plan.stages, plan)]
    batches = [min(train.batch_size, examples or made or train.batch_size) for train in stages]
    trained = {name for train in stages for name in train.nodes or (op.name for op in plan.ops)}

    weights = {op.name: NUMBER * least(op.size) for op in plan.ops}
    for start in plan.starts.values():
        weights[start.value] += NUMBER * least(start.size)
    for net in plan.nets:
        for edge in net.couplings:
            weights[edge.first] += NUMBER * least(product(edge.size))
    learned = sum(size for op in plan.ops if (size := weights[op.name]) and op.name in trained and not _is_frozen(op))
    averages = any(train.average is not None for train in stages)
    remembers = max(train.optimizer.remembers if isinstance(train.optimizer, Optimizer) else 0 for train in stages)

    lasting = ticks or {}
    values = {op.name: NUMBER * _values(op, lasting) for op in plan.ops}
    again = [NUMBER * _kept(op, lasting) for op in plan.ops if isinstance(op.config, Holding) and op.config.recompute]
    held = sum(values.values()) - sum(again) + max(again, default=0)  # one node after the other is computed again
    backward, judged = BACKWARD * max(batches), FORWARD * min(max(JUDGED, *batches), examples or max(batches))
    states = sum(_chains(plan, train, batch) for train, batch in zip(stages, batches, strict=True))
    scores = 3 * NUMBER * sum(least(loss.input_shape.size) * ticks_of(loss.input_shape, lasting) for loss in plan.losses)
    data = {name: rows * _row(name, lasting, plan) for name in plan.fields}

    shares = [
        *(Share(op.name, op.path, "weights", weights[op.name] * (2 + remembers + averages)) for op in plan.ops),
        *(Share(op.name, op.path, "values", values[op.name] * backward) for op in plan.ops),
        *(Share(name, ("data", "fields", name), "data", size) for name, size in data.items()),
    ]
    return Memory(
        weights=(total := sum(weights.values())),
        gradients=learned,
        optimizer=remembers * learned,
        average=averages * learned,
        kept=total,
        values=max(backward, judged) * held + max(batches) * scores + states,
        data=sum(data.values()) + _held_by_machines(plan, rows),
        batch=max(batches),
        largest=max(shares, key=_size, default=NOTHING),
        read=max((share for share in shares if share.what == "data"), key=_size, default=NOTHING),
    )


def least(size: Axis) -> int:
    """A size; of one that only the data knows what is certain: `128*label+7` is at least 135."""
    if isinstance(size, int):
        return size
    return sum(prod(int(factor) for factor in term.split("*") if factor.isdigit()) for term in size.split("+"))


def values_of(plan: Plan, ticks: Mapping[str, int]) -> int:
    """Bytes of all values of a network for an example, at the most `ticks` by time axis."""
    return NUMBER * sum(_values(op, ticks) for op in plan.ops)


def _values(op: Op, ticks: Mapping[str, int]) -> int:
    """Numbers that a node gives and holds for an example, at all ticks."""
    given = least(op.shape.size) * ticks_of(op.shape, ticks)
    return given + _kept(op, ticks) + sum(least(shape.size) * ticks_of(shape, ticks) for shape in op.outputs.values())


def _kept(op: Op, ticks: Mapping[str, int]) -> int:
    """Numbers that a node holds for an example beside those that it reads and gives, at all ticks."""

    def lasting(shape: Shape) -> Shape:
        return replace(shape, ticks=ticks_of(shape, ticks)) if shape.time else shape

    inputs, ports = op.seen
    kept = op.config.kept(*map(lasting, inputs), **{port: lasting(shape) for port, shape in ports.items()})
    return least(kept) * ticks_of(op.shape, ticks)


def ticks_of(shape: Shape, ticks: Mapping[str, int]) -> int:
    """The most ticks that a value has; 1 where only the data tells."""
    if shape.time is None:
        return 1
    return shape.ticks or ticks_along(shape.time, ticks.get(origin(shape.time), 0)) or 1


def _row(name: str, ticks: Mapping[str, int], plan: Plan) -> int:
    """Bytes of a row of a field, as it came and as the network reads it."""
    shape = plan.values[name]
    windowed = plan.spec.data is not None and plan.spec.data.window is not None and shape.ticks is not None
    lasting = 1 if windowed else ticks_of(shape, ticks)  # windows are views of their series
    return least(shape.size) * lasting * ((NUMBER if shape.kind == "number" else SYMBOL) + RAW)


def _chains(plan: Plan, train: Train, batch: int) -> int:
    """Bytes of the states of energy networks while one of them learns."""
    rule = train.learner
    if not plan.nets or not isinstance(rule, ContrastiveDivergence):
        return 0
    chains = (rule.chains or batch) * (rule.tempering or 1)
    units = sum(least(group.size) for net in plan.nets for group in net.groups.values())
    return NUMBER * COPIES * units * max(batch + chains, ANNEALED)


def _held_by_machines(plan: Plan, rows: int) -> int:
    """Bytes of the states that clamp energy networks, of all rows: to learn from in an epoch, and to judge by."""
    units = sum(least(group.size) for net in plan.nets for group in net.groups.values() if group.fed)
    return 2 * NUMBER * rows * units


def _size(share: Share) -> int:
    return share.size


def _is_frozen(op: Op) -> bool:
    return isinstance(op.config, Trainable) and op.config.freeze
