"""Random programs, and what an execution makes of one: outputs and all gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Tensor

from registry.formula import Apply, Constant, Expression, Read
from runner.compiler.program import Inner, Map, Operand, Outer, Product, Program, Sum, Term
from runner.engine.loops.reference import Inputs

Run = Callable[[Program, Inputs], dict[str, Tensor]]

BOUNDED = ("tanh", "sigmoid", "softsign", "sin", "cos")
"""What a loop may go through for ever."""

INNER = (*BOUNDED, "relu", "softplus", "elu", "gelu", "abs", "negative")


@dataclass(frozen=True)
class Case:
    """A program with sizes and a seed for its numbers."""

    program: Program
    ticks: int
    batch: int
    lengths: tuple[int, ...] | None
    sums: dict[str, tuple[int, int]]
    """Ticks and examples of each sum: the run's, or 1."""
    statics: dict[str, int]
    """Examples of each outer value that is not along time."""
    judged: tuple[str, ...]
    """The outputs from which gradients come."""
    seed: int


@st.composite
def expressions(draw: st.DrawFn, count: int, depth: int = 3) -> Expression:
    """Of `count` readings, with finite slopes everywhere."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return Read(draw(st.integers(0, count - 1)))
    one = draw(expressions(count, depth - 1))
    kind = draw(st.sampled_from(("one", "two", "two", "special", "number")))
    if kind == "one":
        return Apply(draw(st.sampled_from(INNER)), (one,))
    if kind == "number":
        number = Constant(draw(st.sampled_from((-1.5, 0.0, 0.5, 1.0, 2.0))))
        pair = (one, number) if draw(st.booleans()) else (number, one)
        return Apply(draw(st.sampled_from(("add", "subtract", "multiply", "minimum", "maximum"))), pair)
    if kind == "two":
        other = draw(expressions(count, depth - 1))
        return Apply(draw(st.sampled_from(("add", "subtract", "multiply", "multiply", "minimum", "maximum"))), (one, other))
    positive = Apply("add", (Apply("softplus", (one,)), Constant(0.5)))
    match draw(st.sampled_from(("log", "sqrt", "divide", "exp", "power", "powers"))):
        case "log" | "sqrt" as name:
            return Apply(name, (positive,))
        case "divide":
            return Apply("divide", (draw(expressions(count, depth - 1)), positive))
        case "exp":
            return Apply("exp", (Apply("tanh", (one,)),))
        case "power":
            return Apply("power", (Apply("tanh", (one,)), Constant(draw(st.sampled_from((1.0, 2.0, 3.0, 4.0))))))
    return Apply("power", (positive, Apply("tanh", (draw(expressions(count, depth - 1)),))))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 12))
    pool = [1, *draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))]
    names = [f"node{number}" for number in range(count)]
    widths = {name: draw(st.sampled_from(pool)) for name in names}
    products: dict[str, Product] = {}
    maps: list[Map] = []
    outers: dict[str, tuple[Outer, int]] = {}

    def inner(position: int, fitting: int | None = None) -> Inner | None:
        delay = draw(st.integers(0, 4))
        able = names if delay else names[:position]
        able = [name for name in able if fitting is None or widths[name] in (1, fitting)]
        return Inner(draw(st.sampled_from(able)), delay) if able else None

    for position, name in enumerate(names):
        width = widths[name]
        reads: list[Operand] = []
        if draw(st.booleans()):
            values = [value for _ in range(draw(st.integers(1, 3))) if (value := inner(position)) is not None]
            # `tied` weights have the name of their size, and serve all products that ask for it.
            tied = draw(st.booleans())
            terms = [Term(f"w{width}x{widths[v.name]}" if tied else f"{name}.weight.{at}", v) for at, v in enumerate(values)]
            products[name] = Product(name, width, tuple(terms), (), None)
            reads.append(Sum(name))
        for _ in range(draw(st.integers(0 if reads else 1, 3))):
            if draw(st.integers(0, 2)) and (value := inner(position, width)) is not None:
                reads.append(value)
            else:
                outer = Outer(f"outer{draw(st.integers(0, 3))}", draw(st.booleans()))
                outer = Outer(f"{outer.name}{'t' if outer.timed else ''}w{(size := draw(st.sampled_from((1, width))))}", outer.timed)
                outers[outer.name] = (outer, size)
                reads.append(outer)
        whole = draw(expressions(len(reads)))
        if reads[0] == Sum(name):
            whole = Apply(
                draw(st.sampled_from(("add", "multiply"))), (Apply(draw(st.sampled_from(("tanh", "sigmoid", "relu"))), (Read(0),)), whole)
            )
        if draw(st.integers(0, 4)):
            whole = Apply(draw(st.sampled_from(BOUNDED)), (whole,))
        else:  # what can leave bounds is brought back slowly
            whole = Apply("softsign", (Apply("multiply", (Constant(0.5), whole)),))
        maps.append(Map(name, width, whole, tuple(reads), False))
    depths: dict[str, int] = {}
    every = [term.value for product in products.values() for term in product.terms]
    every += [operand for map in maps for operand in map.reads if isinstance(operand, Inner)]
    for value in every:
        depths[value.name] = max(depths.get(value.name, 0), value.delay)
    outputs = tuple(draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)))
    program = Program(products, tuple(maps), outers, depths, outputs, widths)
    ticks, batch = draw(st.integers(1, 30)), draw(st.integers(1, 20))
    shapes = ((ticks, batch), (ticks, batch), (1, batch), (1, 1))
    return Case(
        program,
        ticks,
        batch,
        draw(st.none() | st.tuples(*[st.integers(1, ticks)] * batch)),
        {name: draw(st.sampled_from(shapes)) for name in products},
        {name: draw(st.sampled_from((1, batch))) for name, (outer, _) in outers.items() if not outer.timed},
        tuple(draw(st.lists(st.sampled_from(outputs), min_size=1, unique=True))),
        draw(st.integers(0, 2**31)),
    )


def results(run: Run, case: Case, dtype: torch.dtype, scratch: bool = False) -> dict[str, Tensor]:
    """Outputs and gradients by name. Padded sums and outer values are no numbers, nor are gradients that arrive there."""
    program, generator = case.program, torch.Generator().manual_seed(case.seed)
    lengths = None if case.lengths is None else torch.tensor(case.lengths)
    padded = None if lengths is None else torch.arange(case.ticks).unsqueeze(1) >= lengths

    def numbers(*shape: int, scale: float = 1.0) -> Tensor:
        return (torch.randn(shape, generator=generator, dtype=torch.float64) * scale).to(dtype)

    def spoiled(tensor: Tensor) -> Tensor:
        if padded is not None and tensor.shape[:2] == (case.ticks, case.batch):
            tensor[padded] = torch.nan
        return tensor

    plain = {
        "sums": {name: spoiled(numbers(*case.sums[name], product.width)) for name, product in program.products.items()},
        "outers": {
            name: spoiled(numbers(case.ticks, case.batch, width)) if outer.timed else numbers(1, case.statics[name], width)
            for name, (outer, width) in program.outers.items()
        },
        "weights": {
            term.weight: numbers(product.width, program.widths[term.value.name], scale=program.widths[term.value.name] ** -0.5)
            for product in program.products.values()
            for term in product.terms
        },
        "initial": {name: numbers(depth, case.batch, program.widths[name]) for name, depth in program.depths.items() if depth},
    }
    leaves = {group: {name: tensor.requires_grad_() for name, tensor in them.items()} for group, them in plain.items()}
    given = {name: tensor.clone() if scratch else tensor for name, tensor in leaves["sums"].items()}
    inputs = Inputs(given, leaves["outers"], leaves["weights"], leaves["initial"], case.ticks, case.batch, lengths, scratch)
    outputs = run(program, inputs)
    arriving = [spoiled(numbers(*outputs[name].shape)) for name in case.judged]
    judged = [outputs[name] for name in case.judged]
    if any(output.requires_grad for output in judged):
        torch.autograd.backward(judged, arriving)
    found = {f"output {name}": output.detach() for name, output in outputs.items()}
    for group, them in leaves.items():
        found |= {f"{group} {name}": torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for name, leaf in them.items()}
    return found


def difference(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> tuple[float, str]:
    """The largest difference of a tensor, relative to its largest entry, and where. Infinite where something is no number."""
    worst = (0.0, "")
    assert found.keys() == wanted.keys()
    largest = max(float(tensor.abs().max()) for name, tensor in wanted.items() if not name.startswith("output"))
    for name, tensor in wanted.items():
        scale = max(float(tensor.abs().max()), 1e-3 * largest, 1e-30)
        error = float((found[name].double() - tensor).abs().max()) / scale
        worst = max(worst, (error if error == error else float("inf"), name))
    return worst
