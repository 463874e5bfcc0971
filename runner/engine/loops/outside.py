"""What a loop reads from outside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from registry.modules.padding import blank, cut
from runner.compiler.ops import Input, Op
from runner.compiler.program import Outer


@dataclass(frozen=True)
class Outside:
    """Tensors by the text of the input that reads them, `x` or `prev(x)`."""

    ticking: Mapping[str, Tensor]
    """(T, B, *axes), zeros in the padding: read tick by tick."""
    whole: Mapping[str, Tensor]
    """(B, *axes), values without time; or sequences with ticks of their own, which are read as a whole."""
    own_lengths: Mapping[str, Tensor | None]
    """Real ticks of the sequences in `whole`."""
    masks: Mapping[str, Tensor]
    """Random factors, (T, B, *axes), or (1, B, *axes) at all ticks alike, by the op whose value they multiply."""
    ticks: int
    batch: int
    lengths: Tensor | None
    """Real ticks of each example, (B,); None where nothing is padded."""

    @classmethod
    def of(
        cls,
        ops: Sequence[Op],
        inside: Collection[str],
        read: Callable[[Input], Tensor],
        real: Callable[[Input], Tensor | None],
        ticks: int,
        batch: int,
        lengths: Tensor | None,
    ) -> Outside:
        """Of ops that give the values `inside`. `read` gives the tensor of an input, `real` the real ticks of its examples."""
        ticking: dict[str, Tensor] = {}
        whole: dict[str, Tensor] = {}
        own: dict[str, Tensor | None] = {}
        for op in ops:
            for position, value in enumerate(op.reads):
                if value.value in inside:
                    continue
                name, as_whole = str(value), is_whole(op, position)
                if as_whole:
                    own[name] = real(value)
                held = whole if value.shape.time is None or as_whole else ticking
                if name not in held:  # the gates of a cell read the same
                    held[name] = read(value) if held is whole else blank(read(value), lengths)
        return cls(ticking, whole, own, {}, ticks, batch, lengths)

    def has(self, op: Op, position: int) -> bool:
        """Whether what an op reads there is from outside."""
        return str(op.reads[position]) in {*self.whole, *(() if is_whole(op, position) else self.ticking)}

    @property
    def example(self) -> Tensor:
        """A tensor of the type and on the device of the loop's values."""
        tensors = [*self.ticking.values(), *self.whole.values()]
        return next((tensor for tensor in tensors if tensor.is_floating_point()), tensors[0].new_empty(0, dtype=torch.get_default_dtype()))

    def at_each_tick(self, op: Op, position: int) -> Sequence[Tensor]:
        """What an op reads there, tick by tick. `unbind` once: slicing at each tick makes the gradient quadratic in T."""
        name = str(op.reads[position])
        if is_whole(op, position) or name not in self.ticking:
            return [self.whole[name]] * self.ticks
        return self.ticking[name].unbind()

    def flat(self, outer: Outer) -> Tensor:
        """What a program reads: (T, B, N), or (1, B, N) of a value without time; a single number is one feature."""
        name = outer.name.removesuffix(MASK)
        if name != outer.name:
            tensor = self.masks[name]
        else:
            tensor = self.ticking[name] if outer.timed else self.whole[name].unsqueeze(0)
        return tensor if tensor.dim() == 3 else tensor.unsqueeze(-1)

    def rows(self, rows: Tensor) -> Outside:
        """Other examples, each as the one of that number."""
        time = {name: 1 if name in self.own_lengths else 0 for name in self.whole}
        return replace(
            self,
            ticking={name: tensor.index_select(1, rows) for name, tensor in self.ticking.items()},
            whole={name: tensor.index_select(time[name], rows) for name, tensor in self.whole.items()},
            own_lengths={name: real if real is None else real.index_select(0, rows) for name, real in self.own_lengths.items()},
            masks={name: mask.index_select(1, rows) for name, mask in self.masks.items()},
            batch=len(rows),
            lengths=None if self.lengths is None else self.lengths.index_select(0, rows),
        )

    def piece(self, start: int, stop: int) -> Outside:
        """The ticks from `start` to `stop`."""
        return replace(
            self,
            ticking={name: tensor[start:stop] for name, tensor in self.ticking.items()},
            masks={name: mask if len(mask) == 1 else mask[start:stop] for name, mask in self.masks.items()},
            ticks=stop - start,
            lengths=cut(self.lengths, start, stop),
        )


MASK = ".mask"
"""Behind the name of an op: the random factors of its value."""


def is_whole(op: Op, position: int) -> bool:
    """Whether what an op reads there is a sequence with ticks of its own."""
    if position < len(op.inputs):
        return False
    port = list(op.ports)[position - len(op.inputs)]
    return op.config.ports[port].time == "own" and op.ports[port].shape.time is not None
