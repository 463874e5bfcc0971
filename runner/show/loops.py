"""What the compiler made of the loops of a plan, in words."""

from __future__ import annotations

from collections.abc import Iterator

from nnrun.registry.recurrent import Recurrent
from nnrun.runner.compiler.loops.cells import cell_program
from nnrun.runner.compiler.loops.execution import choose, choose_for_cell
from nnrun.runner.compiler.loops.layout import layout
from nnrun.runner.compiler.loops.program import Program
from nnrun.runner.compiler.loops.recurrence import Recurrence
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.text.words import listed
from nnrun.runner.compiler.types.decoding import Decoding


def plan_text(plan: Plan, device: str = "cpu") -> str:
    """The plan, and of each loop its cycle, what has left it, its products, how it runs on `cpu` or `cuda`, and why not faster."""
    setting = plan.spec.train.compile if plan.spec.train else "auto"
    loops = ["\n".join(_loop(loop, setting, device)) for loop in plan.loops]
    loops += ["\n".join(_cell(op.name, op.config, setting, device)) for op in plan.ops if isinstance(op.config, Recurrent)]
    both = ["\n".join(_side_by_side(plan, plan.decoding))] if plan.decoding and not plan.decoding.spelled else []
    return "\n\n".join([str(plan), *loops, *both]) + "\n"


def _side_by_side(plan: Plan, decoding: Decoding) -> Iterator[str]:
    """When each node runs: in training, and when the network generates."""
    looped = {name for loop in plan.loops for name in loop.names}
    rows = [("node", "training", "generating")]
    for op in plan.ops:
        training = "tick by tick" if op.name in looped else "all ticks at once" if op.shape.time else "once"
        generating = "symbol by symbol" if op.name in decoding.nodes else "before the first symbol"
        if op.name == decoding.choice:
            training, generating = f"is {decoding.target}", f"chosen from {decoding.scores}"
        rows.append((op.name, training, generating))
    rows.append(("in loops", f"{len(looped)} nodes", f"{len(decoding.nodes) + 1} nodes"))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, training, generating in rows:
        yield f"{name:<{widths[0]}}  {training:<{widths[1]}}  {generating}"


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


def _cell(name: str, config: Recurrent, setting: str, device: str) -> Iterator[str]:
    if not isinstance(config.units, int):  # known only with the data; how a cell runs does not hang on its size
        config = config.model_copy(update={"units": 1})
    yield f"cell of {name}"
    yield f"  runs as  {choose_for_cell(cell_program(config), config.fused, setting, device)}"


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
