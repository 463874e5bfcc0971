"""A loop node by node, tick by tick, in plain autograd: for any node, differentiable as often as torch allows.

What every faster execution must equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from nnrun.runner.compiler.loops.recurrence import Recurrence
from nnrun.runner.engine.data.batch import sent
from nnrun.runner.engine.loops.outside import Outside
from nnrun.runner.engine.loops.stepper import Stepper


def run(
    loop: Recurrence, modules: Mapping[str, nn.Module], outside: Outside, initial: Mapping[str, Tensor], wanted: Sequence[str]
) -> dict[str, Tensor]:
    """Values of the loop: (T, B, *axes) each, zeros at padded ticks; `modules` and `initial` are those of `Stepper`."""
    stepper = Stepper(loop.ops, modules, outside, initial)
    kept: dict[str, list[Tensor]] = {name: [] for name in wanted}
    for tick in range(outside.ticks):
        now = stepper.tick(tick, _real_rows(outside, tick))
        stepper.remember(now)
        for name in kept:
            kept[name].append(now[name])
    return {name: torch.stack(values) for name, values in kept.items()}


def _real_rows(outside: Outside, tick: int) -> Tensor | None:
    """The examples that have this tick, None if all. Nothing is computed of the others: the slope of a padded value may be no number."""
    if outside.lengths is None or outside.host is None or bool((outside.host > tick).all()):
        return None
    return sent(torch.nonzero(outside.host > tick).squeeze(1), outside.lengths.device)
