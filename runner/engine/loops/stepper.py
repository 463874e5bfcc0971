"""Nodes run together, tick by tick: each sees what the others gave at this tick and earlier ones, and cells go on from their state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from runner.compiler.ops import Op
from runner.engine.loops.outside import Outside, is_whole

Call = Callable[[Op, Sequence[Tensor], Mapping[str, Tensor | None]], Tensor | tuple[Tensor, ...]]
"""Runs an op's module on what it reads, in the order of `Op.reads`, and on lengths."""


class Stepper:
    """Ops in the order of a tick.

    `initial` holds (depth, B, *axes) of each value that is read late: its ticks -depth to -1, the oldest first.
    """

    def __init__(self, ops: Sequence[Op], call: Call, outside: Outside, initial: Mapping[str, Tensor]) -> None:
        self.ops, self.call, self.outside = ops, call, outside
        self.past = {name: list(tensor.unbind()) for name, tensor in initial.items()}
        self.states: dict[str, Tensor] = {}
        """Of cells, (B, …), after the last tick."""
        self.given = self._given()

    def tick(self, tick: int, rows: Tensor | None = None) -> dict[str, Tensor]:
        """The values of a tick, (B, *axes) by op; of the examples among `rows` only, zeros for the others."""
        now: dict[str, Tensor] = {}
        for op in self.ops:
            tensors = [self._read(op, position, tick, now, rows) for position in range(len(op.reads))]
            now[op.name] = _with_padding(self._value(op, tensors, tick, rows), rows, self.outside.batch)
        return now

    def remember(self, now: Mapping[str, Tensor]) -> None:
        """The tick is over: its values are read late from now on."""
        for name, held in self.past.items():
            self.past[name] = [*held[1:], now[name]]

    def leave(self, rows: Tensor) -> None:
        """Go on with these examples alone."""
        self.reorder(rows)
        self.outside = self.outside.rows(rows)
        self.given = self._given()

    def reorder(self, rows: Tensor) -> None:
        """Go on with other examples, each from where the example of that number is."""
        self.past = {name: [tensor.index_select(0, rows) for tensor in held] for name, held in self.past.items()}
        self.states = {name: state.index_select(0, rows) for name, state in self.states.items()}

    def _given(self) -> dict[tuple[str, int], Sequence[Tensor]]:
        """What each op reads from outside, tick by tick."""
        places = [(op, position) for op in self.ops for position in range(len(op.reads)) if self.outside.has(op, position)]
        return {(op.name, position): self.outside.at_each_tick(op, position) for op, position in places}

    def _read(self, op: Op, position: int, tick: int, now: Mapping[str, Tensor], rows: Tensor | None) -> Tensor:
        value = op.reads[position]
        if (op.name, position) in self.given:
            tensor = self.given[op.name, position][tick]
        else:
            tensor = self.past[value.value][-value.delay] if value.delay else now[value.value]
        return _select(tensor, rows, axis=1 if is_whole(op, position) else 0)

    def _value(self, op: Op, tensors: Sequence[Tensor], tick: int, rows: Tensor | None) -> Tensor:
        if op.name in self.outside.masks:
            mask = self.outside.masks[op.name]
            return tensors[0] * _select(mask[tick if len(mask) > 1 else 0], rows)
        if op.config.scope == "tick":
            return _only(self.call(op, tensors, {}))
        # a node along time, on a sequence of one tick
        if "state" in op.config.outputs:
            return self._go_on(op, tensors)
        real = {port: self.outside.own_lengths.get(str(value)) for port, value in op.ports.items() if op.config.ports[port].time == "own"}
        lengths = {f"{port}_lengths": None if length is None else _select(length, rows) for port, length in real.items()}
        one = [
            tensor if value.shape.time is None or is_whole(op, position) else tensor.unsqueeze(0)
            for position, (value, tensor) in enumerate(zip(op.reads, tensors, strict=True))
        ]
        return _only(self.call(op, one, lengths))[0]

    def _go_on(self, op: Op, tensors: Sequence[Tensor]) -> Tensor:
        """A cell, from the state in which it was, or first from what arrives at its port."""
        x, *initial = tensors
        state = self.states[op.name] if op.name in self.states else initial[0] if initial else None
        y, self.states[op.name] = self.call(op, [x.unsqueeze(0)], {"initial": state})
        return y[0]


def _only(value: Tensor | tuple[Tensor, ...]) -> Tensor:
    assert not isinstance(value, tuple)
    return value


def _select(tensor: Tensor, rows: Tensor | None, axis: int = 0) -> Tensor:
    return tensor if rows is None else tensor.index_select(axis, rows)


def _with_padding(value: Tensor, rows: Tensor | None, batch: int) -> Tensor:
    """Zeros for the examples that are not among `rows`."""
    return value if rows is None else value.new_zeros(batch, *value.shape[1:]).index_copy(0, rows, value)
