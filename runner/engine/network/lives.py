"""What is computed for some values, and how long values live: what nobody reads any more makes room for what is computed next."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from nnrun.runner.compiler.loops.recurrence import Recurrence
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.types.ops import Op

Way = tuple[tuple[Op | Recurrence, tuple[str, ...]], ...]


def way_to(plan: Plan, wanted: Sequence[str], given: Collection[str] = ()) -> Way:
    """The steps that lead to what is wanted, in order, each with the nodes' values that are read there for the last time; no step makes
    what is given.

    What is wanted is read at the end. What loops and energy networks read, what is read late, and what was before the first tick stays
    until then.
    """
    if plan.nets:
        return tuple((step, ()) for step in plan.steps)
    needed = plan.behind(wanted, given) - set(given)
    steps = [step for step in plan.steps if not needed.isdisjoint(step.names if isinstance(step, Recurrence) else (step.name,))]
    loops = [step for step in steps if isinstance(step, Recurrence)]
    staying = {*wanted, *(value.value for loop in loops for op in loop.ops for value in op.reads)}
    staying |= {value.value for op in plan.ops for value in op.reads if value.delay}
    staying |= {start.source for start in plan.starts.values() if start.source is not None}
    made = {op.name for op in plan.ops}
    last = {value.value: number for number, step in enumerate(steps) if isinstance(step, Op) for value in step.reads}
    return tuple(
        (step, tuple(name for name, place in last.items() if place == number and name.partition(".")[0] in made and name not in staying))
        for number, step in enumerate(steps)
    )
