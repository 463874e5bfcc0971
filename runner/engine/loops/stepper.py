"""Nodes run together, tick by tick: each sees what the others gave at this tick and earlier ones, and cells go on from their state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from nnrun.registry.modules import chance
from nnrun.registry.modules.attention import Prepared
from nnrun.runner.compiler.types.ops import Op
from nnrun.runner.engine.loops.outside import Outside, is_memory


class Stepper:
    """Ops in the order of a tick.

    `modules` are theirs by name. `initial` holds (depth, B, *axes) of each value that is read late: its ticks -depth to -1, the
    oldest first.
    """

    def __init__(self, ops: Sequence[Op], modules: Mapping[str, nn.Module], outside: Outside, initial: Mapping[str, Tensor]) -> None:
        self.ops, self.outside = ops, outside
        self.modules: Mapping[str, Any] = modules
        self.past = {name: list(tensor.unbind()) for name, tensor in initial.items()}
        self.states: dict[str, Tensor] = {}
        """Of cells, (B, …), after the last tick."""
        self.given = self._given()
        self.prepared: dict[str, Prepared] = {}
        """Memories of ops, as they look them up."""
        self.seen: dict[str, Prepared] = {}
        """Of ops whose memory is made here, its ticks so far."""

    def tick(self, tick: int, rows: Tensor | None = None) -> dict[str, Tensor]:
        """The values of a tick, (B, *axes) by op; of the examples among `rows` only, zeros for the others."""
        now: dict[str, Tensor] = {}
        with chance.among(rows):
            for op in self.ops:
                read = [self._read(op, position, tick, now, rows) for position in range(len(op.reads)) if not self._is_whole(op, position)]
                now[op.name] = _with_padding(self._value(op, read, tick, rows), rows, self.outside.batch)
        return now

    def remember(self, now: Mapping[str, Tensor]) -> None:
        """The tick is over for these values: they are read late from now on."""
        for name, held in self.past.items():
            if name in now:
                self.past[name] = [*held[1:], now[name]]

    def go_on(self, rows: Tensor, chosen: Mapping[str, Tensor]) -> None:
        """Each row goes on from where the row of that number is, with what was chosen for it. There may be more rows than before."""
        self.past = {name: [tensor.index_select(0, rows) for tensor in held] for name, held in self.past.items()}
        self.states = {name: state.index_select(0, rows) for name, state in self.states.items()}
        self.seen = {name: memory.examples(rows) for name, memory in self.seen.items()}
        self.remember(chosen)

    def widen(self, hypotheses: int) -> None:
        """So many rows for each example from now on, in the place of one."""
        self.outside = self.outside.spread(hypotheses)
        self.given = self._given()

    def leave(self, examples: Tensor) -> None:
        """Go on with these examples alone; `go_on` with their rows does the rest."""
        self.outside = self.outside.examples(examples)
        self.given, self.prepared = self._given(), {}

    def _given(self) -> dict[str, Sequence[Tensor]]:
        """What is read from outside, tick by tick."""
        names = dict.fromkeys(str(value) for op in self.ops for position, value in enumerate(op.reads) if not is_memory(op, position))
        return {name: ticks for name in names if (ticks := self.outside.at_each_tick(name)) is not None}

    def _read(self, op: Op, position: int, tick: int, now: Mapping[str, Tensor], rows: Tensor | None) -> Tensor:
        value = op.reads[position]
        if str(value) in self.given:
            tensor = self.given[str(value)][tick]
        else:
            tensor = self.past[value.value][-value.delay] if value.delay else now[value.value]
        return _select(tensor, rows)

    def _value(self, op: Op, read: Sequence[Tensor], tick: int, rows: Tensor | None) -> Tensor:
        module = self.modules[op.name]
        if op.name in self.outside.masks:
            mask = self.outside.masks[op.name]
            return read[0] * _select(mask[tick if len(mask) > 1 else 0], rows)
        inputs, others = read[: len(op.inputs)], list(read[len(op.inputs) :])
        if op.config.scope == "tick":
            value: Tensor = module(*inputs, **dict(zip(op.ports, others, strict=True)))
            return value
        # a node along time, on a sequence of one tick
        if "state" in op.config.outputs:
            state = self.states[op.name] if op.name in self.states else others[0] if others else None
            y, self.states[op.name] = module(inputs[0].unsqueeze(0), initial=state)
            first: Tensor = y[0]
            return first
        if op.config.memoryless:
            if len(others) == 1:
                return self._looked_up(op, others[0], rows)
            return self._looked_back(op, **dict(zip(op.ports, others, strict=True)))
        return inputs[0]  # only the ticks of its memory count, and here there is one

    def _is_whole(self, op: Op, position: int) -> bool:
        """Whether an op reads a memory there that is known before the first tick."""
        return is_memory(op, position) and str(op.reads[position]) in self.outside.memories

    def _looked_back(self, op: Op, query: Tensor, memory: Tensor) -> Tensor:
        """The value of a node that looks up the ticks so far of a memory that is made here."""
        module = self.modules[op.name]
        now = replace(module.prepare(memory.unsqueeze(0)), causal=False)
        self.seen[op.name] = self.seen[op.name].then(now) if op.name in self.seen else now
        found: Tensor = module.look(query.unsqueeze(1), self.seen[op.name])
        return found.squeeze(1)

    def _looked_up(self, op: Op, query: Tensor, rows: Tensor | None) -> Tensor:
        """The value of a node that looks up a memory. The rows of an example are so many queries."""
        module = self.modules[op.name]
        (name,) = {str(value) for position, value in enumerate(op.reads) if is_memory(op, position)}
        if op.name not in self.prepared:
            self.prepared[op.name] = module.prepare(self.outside.memories[name], self.outside.memory_lengths[name])
        prepared = self.prepared[op.name]
        if rows is not None:
            found: Tensor = module.look(query.unsqueeze(1), prepared.examples(rows))
            return found.squeeze(1)
        found = module.look(query.view(-1, self.outside.hypotheses, query.shape[1]), prepared)
        return found.flatten(0, 1)


def _select(tensor: Tensor, rows: Tensor | None) -> Tensor:
    return tensor if rows is None else tensor.index_select(0, rows)


def _with_padding(value: Tensor, rows: Tensor | None, batch: int) -> Tensor:
    """Zeros for the examples that are not among `rows`."""
    return value if rows is None else value.new_zeros(batch, *value.shape[1:]).index_copy(0, rows, value)
