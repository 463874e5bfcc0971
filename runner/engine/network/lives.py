"""How long values live: what nobody reads any more makes room for what is computed next."""

from __future__ import annotations

from collections.abc import Sequence

from nnrun.runner.compiler.loops.recurrence import Recurrence
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.types.ops import Op


def read_last(plan: Plan, wanted: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """For each step of a plan the nodes' values that are read there for the last time. `wanted` are read at the end.

    What loops and energy networks read, what is read late, and what was before the first tick stays until then.
    """
    if plan.nets:
        return ((),) * len(plan.steps)
    loops = [step for step in plan.steps if isinstance(step, Recurrence)]
    staying = {*wanted, *(value.value for loop in loops for op in loop.ops for value in op.reads)}
    staying |= {value.value for op in plan.ops for value in op.reads if value.delay}
    staying |= {start.source for start in plan.starts.values() if start.source is not None}
    made = {op.name for op in plan.ops}
    last = {value.value: number for number, step in enumerate(plan.steps) if isinstance(step, Op) for value in step.reads}
    return tuple(
        tuple(name for name, place in last.items() if place == number and name.partition(".")[0] in made and name not in staying)
        for number in range(len(plan.steps))
    )
