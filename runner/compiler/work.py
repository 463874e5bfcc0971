"""Plan -> how much a step multiplies: what decides whether more than one processor is worth asking."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from nnrun.registry.recurrent import Recurrent
from nnrun.runner.compiler.loops.recurrence import Recurrence
from nnrun.runner.compiler.memory.needs import least, ticks_of
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.types.ops import Op


def largest_product(plan: Plan, ticks: Mapping[str, int] | None = None) -> int:
    """Multiplications of the largest product that a step of the training computes at once, on the way forward.

    Cells and loops compute tick by tick, all else at all ticks together: `ticks` are the most by time axis, 1 where none are known.
    """
    batch = max((stage.spec.train.batch_size for stage in (*plan.stages, plan) if stage.spec.train is not None), default=1)
    found = [prod(map(least, edge.size)) for net in plan.nets for edge in net.couplings]
    for step in plan.steps:
        inside = isinstance(step, Recurrence)
        for op in step.ops if isinstance(step, Recurrence) else (step,):
            at_once = 1 if inside or isinstance(op.config, Recurrent) else ticks_of(op.shape, ticks or {})
            found.append(_products(op) * at_once)
    return batch * max(found, default=0)


def _products(op: Op) -> int:
    """Of an example, at a tick: each number of a weight meets as many numbers as there are places in the value."""
    if not op.config.multiplies:
        return 0
    weights = [[least(size) for size in sizes] for sizes in op.parameters.values() if len(sizes) > 1]
    return sum(prod(sizes) * max(1, least(op.shape.size) // sizes[0]) for sizes in weights)
