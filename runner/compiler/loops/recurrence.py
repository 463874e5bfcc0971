"""A loop of the graph as something to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from nnrun.runner.compiler.graph.cycles import shortest_cycle
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.loops.program import Program, make_program
from nnrun.runner.compiler.types.ops import Op, Start


@dataclass(frozen=True)
class Recurrence:
    """A loop: its ops in the order of a tick, which read each other's earlier values."""

    ops: tuple[Op, ...]
    outputs: tuple[str, ...]
    """Values that are read outside, or judged."""
    starts: Mapping[str, Start]
    """What stands before the first tick, where that is not zeros."""
    edges: tuple[Edge, ...]
    """Those between the ops."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(op.name for op in self.ops)

    @property
    def time(self) -> str:
        """The axis whose ticks the loop runs along."""
        return str(self.ops[0].shape.time)

    @cached_property
    def depths(self) -> Mapping[str, int]:
        """How many ticks of each value the loop itself reads later."""
        depths: dict[str, int] = {}
        for op in self.ops:
            for value in op.reads:
                if value.delay and value.value in self.names:
                    depths[value.value] = max(depths.get(value.value, 0), value.delay)
        return depths

    @property
    def cycle(self) -> str:
        """A shortest way from an op back to itself."""
        path = shortest_cycle(list(self.names), self.edges)
        return " -> ".join([*(str(edge.source) for edge in path), path[-1].target.name])

    @cached_property
    def program(self) -> Program | str:
        """What a compiler can make of it; or, in words, why it has none."""
        return make_program(self.ops, self.outputs)

    def __str__(self) -> str:
        return "\n".join([f"at each tick of {self.time}:", *(f"  {line}" for line in self._lines())])

    def _lines(self) -> Iterator[str]:
        yield from map(str, self.starts.values())
        yield from map(str, self.ops)
