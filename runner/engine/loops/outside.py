"""What ops that run tick by tick read from outside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from nnrun.registry.modules.padding import blank, cut
from nnrun.runner.compiler.loops.program import Outer
from nnrun.runner.compiler.types.ops import Input, Op

MASK = ".mask"
"""Behind the name of an op: the random factors of its value."""


@dataclass(frozen=True)
class Readings:
    """What ops read from outside, by the text of the input, `x` or `prev(x)`: what the gates of a cell all read stands here once."""

    ticking: Mapping[str, Input]
    """Read tick by tick."""
    static: Mapping[str, Input]
    """Without a time axis: the same at every tick."""
    memories: Mapping[str, Input]
    """Looked up as a whole at every tick."""

    @classmethod
    def of(cls, ops: Sequence[Op], inside: Collection[str]) -> Readings:
        """Of ops that give the values `inside`."""
        ticking: dict[str, Input] = {}
        static: dict[str, Input] = {}
        memories: dict[str, Input] = {}
        for op in ops:
            for position, value in enumerate(op.reads):
                if value.value not in inside:
                    kind = memories if is_memory(op, position) else static if value.shape.time is None else ticking
                    kind[str(value)] = value
        return cls(ticking, static, memories)


@dataclass(frozen=True)
class Outside:
    """Tensors by the text of the input that reads them, `x` or `prev(x)`."""

    ticking: Mapping[str, Tensor]
    """(T, B, *axes), zeros in the padding: read tick by tick."""
    static: Mapping[str, Tensor]
    """(B, *axes): the same at every tick."""
    memories: Mapping[str, Tensor]
    """Looked up as a whole at every tick: (B, *axes), or (S, B, *axes) of sequences with ticks of their own."""
    memory_lengths: Mapping[str, Tensor | None]
    """Real ticks of the sequences among them; None where all are real, and of what is no sequence."""
    sequences: frozenset[str]
    """Names of the memories that are sequences."""
    masks: Mapping[str, Tensor]
    """Random factors, (T, B, *axes), or (1, B, *axes) at all ticks alike, by the op whose value they multiply."""
    ticks: int
    batch: int
    lengths: Tensor | None
    """Real ticks of each example, (B,); None where nothing is padded."""
    host: Tensor | None
    """The same where the processor reads them."""
    hypotheses: int = 1
    """Rows of an example, side by side; they share its memories."""

    @classmethod
    def of(
        cls,
        readings: Readings,
        read: Callable[[Input], Tensor],
        real: Callable[[Input], Tensor | None],
        ticks: int,
        batch: int,
        lengths: Tensor | None,
        host: Tensor | None = None,
    ) -> Outside:
        """`read` gives the tensor of an input, `real` the real ticks of its examples."""
        return cls(
            {name: blank(read(value), lengths) for name, value in readings.ticking.items()},
            {name: read(value) for name, value in readings.static.items()},
            {name: read(value) for name, value in readings.memories.items()},
            {name: real(value) for name, value in readings.memories.items()},
            frozenset(name for name, value in readings.memories.items() if value.shape.time is not None),
            {},
            ticks,
            batch,
            lengths,
            host if host is not None else lengths,
        )

    @property
    def example(self) -> Tensor:
        """A tensor of the type and on the device of the ops' values."""
        tensors = [*self.ticking.values(), *self.static.values(), *self.memories.values()]
        numbers = next((tensor for tensor in tensors if tensor.is_floating_point()), None)
        return tensors[0].new_empty(0, dtype=torch.get_default_dtype()) if numbers is None else numbers

    def at_each_tick(self, name: str) -> Sequence[Tensor] | None:
        """A value tick by tick, if it is from outside. `unbind` once: slicing at each tick makes the gradient quadratic in T."""
        if name in self.ticking:
            return self.ticking[name].unbind()
        return [self.static[name]] * self.ticks if name in self.static else None

    def flat(self, outer: Outer) -> Tensor:
        """What a program reads: (T, B, N), or (1, B, N) of a value without time; a single number is one feature."""
        name = outer.name.removesuffix(MASK)
        if name != outer.name:
            tensor = self.masks[name]
        else:
            tensor = self.ticking[name] if outer.timed else self.static[name].unsqueeze(0)
        return tensor if tensor.dim() == 3 else tensor.unsqueeze(-1)

    def spread(self, hypotheses: int) -> Outside:
        """So many rows for each example. Nothing here goes along ticks."""
        static = {name: tensor.repeat_interleave(hypotheses, 0) for name, tensor in self.static.items()}
        return replace(self, static=static, batch=self.batch * hypotheses, hypotheses=hypotheses)

    def examples(self, examples: Tensor) -> Outside:
        """These examples alone, with all of their rows."""
        rows = (examples.unsqueeze(1) * self.hypotheses + torch.arange(self.hypotheses, device=examples.device)).flatten()
        return replace(
            self,
            static={name: tensor.index_select(0, rows) for name, tensor in self.static.items()},
            memories={name: tensor.index_select(int(name in self.sequences), examples) for name, tensor in self.memories.items()},
            memory_lengths={name: real if real is None else real.index_select(0, examples) for name, real in self.memory_lengths.items()},
            batch=len(rows),
        )

    def piece(self, start: int, stop: int) -> Outside:
        """The ticks from `start` to `stop`."""
        return replace(
            self,
            ticking={name: tensor[start:stop] for name, tensor in self.ticking.items()},
            masks={name: mask if len(mask) == 1 else mask[start:stop] for name, mask in self.masks.items()},
            ticks=stop - start,
            lengths=cut(self.lengths, start, stop),
            host=cut(self.host, start, stop),
        )


def is_memory(op: Op, position: int) -> bool:
    """Whether an op looks at all that arrives there, at every tick."""
    return position >= len(op.inputs) and op.config.ports[list(op.ports)[position - len(op.inputs)]].time == "own"
