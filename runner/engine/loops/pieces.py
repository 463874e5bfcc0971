"""Sequences in pieces: what is remembered goes from one to the next, gradients do not.

Source: Williams and Peng 1990, An efficient gradient-based algorithm for on-line training of recurrent network trajectories
(truncated back-propagation through time).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from nnrun.runner.engine.loops.outside import Outside

Values = dict[str, Tensor]


def loop_in_pieces(
    run: Callable[[Outside, Mapping[str, Tensor], Sequence[str]], Values],
    outside: Outside,
    initial: Mapping[str, Tensor],
    wanted: Sequence[str],
    length: int,
) -> Values:
    """Values of a loop, (T, B, *axes) each, in pieces of so many ticks; `initial` is (depth, B, *axes) of all that it reads late."""
    states = initial
    parts: dict[str, list[Tensor]] = {name: [] for name in wanted}
    for start, stop in bounds(outside.ticks, length):
        piece = outside.piece(start, stop)
        found = run(piece, states, tuple(dict.fromkeys([*wanted, *states])))
        states = {name: remembered(state, found[name], piece.lengths) for name, state in states.items()}
        for name in wanted:
            parts[name].append(found[name])
    return {name: torch.cat(pieces) for name, pieces in parts.items()}


def bounds(ticks: int, length: int) -> Iterator[tuple[int, int]]:
    """First tick and end of each piece."""
    for start in range(0, ticks, length):
        yield start, min(start + length, ticks)


def remembered(before: Tensor, values: Tensor, lengths: Tensor | None) -> Tensor:
    """The last real ticks of a value, without gradient; of an example without ticks those before.

    Shape: before (depth, B, *axes), values (T, B, *axes), lengths (B,) -> (depth, B, *axes).
    """
    joined = torch.cat([before, values]).detach()
    if lengths is None:
        return joined[len(joined) - len(before) :]
    ticks = lengths + torch.arange(len(before), device=lengths.device).unsqueeze(1)
    return joined[ticks, torch.arange(len(lengths), device=lengths.device)]
