"""What the compiler made of the loops of a plan, in words."""

from __future__ import annotations

from collections.abc import Iterator

from runner.compiler.execution import choose
from runner.compiler.layout import layout
from runner.compiler.plan import Plan
from runner.compiler.program import Program
from runner.compiler.recurrence import Recurrence
from runner.compiler.words import listed


def plan_text(plan: Plan, device: str = "cpu") -> str:
    """The plan, and of each loop its cycle, what has left it, its products, how it runs on `cpu` or `cuda`, and why not faster."""
    setting = plan.spec.train.compile if plan.spec.train else "auto"
    loops = ("\n".join(_loop(loop, setting, device)) for loop in plan.loops)
    return "\n\n".join([str(plan), *loops]) + "\n"


def _loop(loop: Recurrence, setting: str, device: str) -> Iterator[str]:
    program = loop.program
    yield f"loop of {', '.join(loop.names)} along {loop.time}"
    yield f"  cycle    {loop.cycle}"
    if isinstance(program, Program):
        yield from (f"  {line}" for line in _products(program))
    for name, depth in loop.depths.items():
        start = loop.starts.get(name)
        before = "zeros" if start is None else start.source or "learned"
        yield f"  state    {name}, {depth} tick{'s' * (depth > 1)}, from {before}"
    yield f"  runs as  {choose(program, setting, device)}"


def _products(program: Program) -> Iterator[str]:
    """Products that have left the loop, those in it, and how far ahead it can run."""
    blocks = layout(program).blocks
    for block in blocks:
        names = listed(product.name for product in block.products)
        for _, source in block.products[0].outer:
            when = "all ticks in one product" if source.timed else "one product, the same at all ticks"
            yield f"left     {source} into {names}: {when}, {block.width} wide"
    for block in blocks:
        names = listed(product.name for product in block.products)
        for value in block.reads:
            yield f"inside   {value} into {names}: one product a tick, {block.width} wide"
    step = layout(program).step
    if step is not None and step > 1:
        yield f"steps    {step} ticks at once: no value is read earlier than that"
