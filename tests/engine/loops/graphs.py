"""Random graphs with loops, and what an execution makes of one: values and all gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from hypothesis import assume
from hypothesis import strategies as st
from torch import Tensor

from nnrun.registry.algebra.formula import Apply, Constant, Expression, Read
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.loops.execution import Kind
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.network.network import Network

BOUNDED = ("tanh", "sigmoid", "softsign", "sin", "cos")
"""What a loop may go through for ever."""

SMOOTH = (*BOUNDED, "softplus", "elu", "gelu", "negative")

KINKED = ("relu", "abs")
"""A number that is rounded to the other side of a kink has another slope: 32 bits cannot equal 64 bits there."""

SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**"}


@dataclass(frozen=True)
class Case:
    """A spec with a loop or more, with sizes and a seed for its numbers."""

    text: str
    ticks: int
    batch: int
    lengths: tuple[int, ...] | None
    seed: int
    gain: float
    """Of the weights. Above one, what differs by a rounding may drift apart without end."""

    @property
    def plan(self) -> Plan:
        checked = check(self.text, facts={})
        assert checked.plan is not None, (self.text, [finding.headline for finding in checked.report])
        return checked.plan


def written(expression: Expression, names: list[str]) -> str:
    """An expression as a formula."""
    match expression:
        case Constant(value=value):
            return repr(value)
        case Read(index=index):
            return names[index]
        case Apply(function="negative", arguments=(one,)):
            return f"(-{written(one, names)})"
        case Apply(function=name, arguments=(one, other)) if name in SYMBOLS:
            return f"({written(one, names)} {SYMBOLS[name]} {written(other, names)})"
        case Apply(function=name, arguments=arguments):
            return f"{name}({', '.join(written(argument, names) for argument in arguments)})"
    raise TypeError(expression)


@st.composite
def expressions(draw: st.DrawFn, count: int, smooth: bool, depth: int = 3) -> Expression:
    """Of `count` readings, with finite slopes everywhere."""
    extremes = () if smooth else ("minimum", "maximum")
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return Read(draw(st.integers(0, count - 1)))
    one = draw(expressions(count, smooth, depth - 1))
    kind = draw(st.sampled_from(("one", "two", "two", "special", "number")))
    if kind == "one":
        return Apply(draw(st.sampled_from(SMOOTH if smooth else (*SMOOTH, *KINKED))), (one,))
    if kind == "number":
        number = Constant(draw(st.sampled_from((-1.5, 0.0, 0.5, 1.0, 2.0))))
        pair = (one, number) if draw(st.booleans()) else (number, one)
        return Apply(draw(st.sampled_from(("add", "subtract", "multiply", *extremes))), pair)
    if kind == "two":
        other = draw(expressions(count, smooth, depth - 1))
        return Apply(draw(st.sampled_from(("add", "subtract", "multiply", "multiply", *extremes))), (one, other))
    positive = Apply("add", (Apply("softplus", (one,)), Constant(0.5)))
    match draw(st.sampled_from(("log", "sqrt", "divide", "exp", "power", "powers"))):
        case "log" | "sqrt" as name:
            return Apply(name, (positive,))
        case "divide":
            return Apply("divide", (draw(expressions(count, smooth, depth - 1)), positive))
        case "exp":
            return Apply("exp", (Apply("tanh", (one,)),))
        case "power":
            return Apply("power", (Apply("tanh", (one,)), Constant(draw(st.sampled_from((1.0, 2.0, 3.0, 4.0))))))
    return Apply("power", (positive, Apply("tanh", (draw(expressions(count, smooth, depth - 1)),))))


@st.composite
def cases(draw: st.DrawFn, smooth: bool = False) -> Case:
    """Up to 12 nodes that read each other, 0 to 4 ticks late, in widths up to 40; start values and masks among them.

    `smooth`: without kinks, and with weights that let a difference die out, so that 32 bits are near 64.
    """
    pool = sorted({1, *draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))})
    names = [f"node{number}" for number in range(draw(st.integers(1, 12)))]
    widths = {name: draw(st.sampled_from(pool)) for name in names}
    nodes = [f"wide{width}: {{type: linear, units: {width}}}" for width in pool]
    nodes += [f"flat{width}: {{type: linear, units: {width}, activation: tanh}}" for width in pool]
    edges = [f"x -> {', '.join(f'wide{width}' for width in pool)}", f"s -> {', '.join(f'flat{width}' for width in pool)}"]
    late: dict[str, int] = {}
    reads: dict[str, set[str]] = {name: set() for name in names}

    def inner(position: int, fitting: Sequence[int] = pool) -> str | None:
        """A value of the loop of one of these widths, as an edge or a formula names it; None if there is none."""
        delay = draw(st.integers(0, 4))
        able = [name for name in (names if delay else names[:position]) if widths[name] in fitting]
        if not able:
            return None
        name = draw(st.sampled_from(able))
        late[name] = max(late.get(name, 0), delay)
        reads[names[position]].add(name)
        return name if not delay else f"prev({name})" if delay == 1 else f"prev({name}, {delay})"

    for position, name in enumerate(names):
        width = widths[name]
        outer = draw(st.sampled_from((f"wide{width}", f"prev(wide{width}, 2)")))
        match draw(st.sampled_from(("linear", "linear", "formula", "formula", "formula", "dropout"))):
            case "linear":
                values = [value for _ in range(draw(st.integers(1, 3))) if (value := inner(position)) is not None]
                values += draw(st.lists(st.sampled_from(("x", "s", "n", outer)), max_size=2, unique=True)) if values else [outer]
                activation = draw(st.sampled_from((*BOUNDED[:3], "identity", *(() if smooth else ("relu",)))))
                bias = str(draw(st.booleans())).lower()
                nodes.append(f"{name}: {{type: linear, units: {width}, activation: {activation}, bias: {bias}}}")
                edges += [f'"{value} -> {name}"' for value in values]
            case "formula":
                values = [outer]
                for _ in range(draw(st.integers(0, 3))):
                    value = inner(position, (1, width)) if draw(st.integers(0, 2)) else draw(st.sampled_from(("n", f"flat{width}")))
                    values += [value] if value is not None else []
                whole = draw(expressions(len(values), smooth))
                if draw(st.integers(0, 4)):
                    whole = Apply(draw(st.sampled_from(BOUNDED)), (whole,))
                else:  # what can leave bounds is brought back slowly
                    whole = Apply("softsign", (Apply("multiply", (Constant(0.5), whole)),))
                for index in range(len(values)):  # each is read, and one has the width that the node is to have
                    whole = Apply("add", (whole, Apply("multiply", (Constant(0.125), Read(index)))))
                nodes.append(f"{name}: {{type: formula, is: '{written(Apply('tanh', (whole,)), values)}'}}")
            case "dropout":
                same = str(draw(st.booleans())).lower()
                edges.append(f'"{inner(position, (width,)) or outer} -> {name}"')
                nodes.append(f"{name}: {{type: dropout, rate: 0.3, same: {same}}}")
    for name in [name for name in names if late.get(name)]:
        match draw(st.sampled_from(("zeros", "zeros", "given", "learned"))):
            case "given":
                edges.append(f"flat{widths[name]} -> {name}.initial")
            case "learned":
                edges.append(f'{{edge: "prev({name}, {late[name]}) -> out", initial: learned}}')
    judged = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    judged += [name for name in names if not _reaches(name, set(judged), reads)]
    edges.append(f"{', '.join([*judged, *(f'{kind}{width}' for kind in ('wide', 'flat') for width in pool)])} -> out")
    ticks, batch = draw(st.integers(1, 30)), draw(st.integers(1, 20))
    lengths = draw(st.none() | st.tuples(*[st.integers(1, ticks)] * batch))
    text = SPEC.format(nodes="\n  ".join(nodes), edges="\n  ".join(f"- {edge}" for edge in edges))
    # loops of nothing but dropout, where neither ticks nor a size come in
    assume(not any(finding.id in ("no-time-axis", "shape-mismatch") for finding in check(text).report))
    return Case(text, ticks, batch, lengths, draw(st.integers(0, 2**31)), 0.5 if smooth else 1.0)


SPEC = """\
nnrun: 1
name: loops
data:
  source: csv
  file: none.csv
  fields:
    x: {{type: series, size: 7}}
    s: {{type: vector, size: 5}}
    n: {{type: number}}
    y: {{type: number, along: x}}
nodes:
  {nodes}
  out: {{type: linear, units: 1}}
edges:
  {edges}
train:
  loss: {{type: mse, input: out, target: y}}
"""


def _reaches(name: str, judged: set[str], reads: dict[str, set[str]]) -> bool:
    """Whether something that is judged depends on a node."""
    found = {name}
    while True:
        more = {reader for reader, sources in reads.items() if sources & found} - found
        if not more:
            return bool(found & judged)
        found |= more


def results(case: Case, plan: Plan, kind: Kind, dtype: torch.dtype) -> dict[str, Tensor]:
    """The value that is judged, and all gradients, by name. The padding holds large numbers, and gradients arrive there."""
    generator = torch.Generator().manual_seed(case.seed)

    def numbers(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).double()  # numbers that 32 bits hold exactly

    lengths = torch.full((case.batch,), case.ticks) if case.lengths is None else torch.tensor(case.lengths)
    padded = torch.arange(case.ticks).unsqueeze(1) >= lengths
    x, y = numbers(case.ticks, case.batch, 7), numbers(case.ticks, case.batch)
    x[padded] = 100.0
    values = {"x": x, "s": numbers(case.batch, 5), "n": numbers(case.batch), "y": y}
    given = {name: tensor.to(dtype).requires_grad_() for name, tensor in values.items()}
    network = Network(plan, kind)
    for parameter in network.parameters():
        with torch.no_grad():
            parameter.copy_((case.gain * numbers(*parameter.shape) * max(parameter.shape[-1], 1) ** -0.5).float())
    network = network.to(dtype)
    torch.manual_seed(case.seed)
    out = network(Batch(given, {"x": lengths}, case.batch), ("out",))["out"]
    weights = numbers(*out.shape).to(dtype).masked_fill(padded.unsqueeze(-1), 0)
    out.backward(weights)  # type: ignore[no-untyped-call]
    found = {"out": out.detach().masked_fill(padded.unsqueeze(-1), 0)}
    leaves = {**{name: given[name] for name in ("x", "s", "n")}, **dict(network.named_parameters())}
    return found | {name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for name, leaf in leaves.items()}


def difference(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> tuple[float, str]:
    """The largest difference of a tensor, relative to its largest entry, and where; infinite where something is no number.

    A gradient below a tenth of the largest one is what is left of terms that cancel, and is compared with that tenth.
    """
    worst = (0.0, "")
    assert found.keys() == wanted.keys()
    largest = max(float(tensor.abs().max()) for name, tensor in wanted.items() if name != "out")
    for name, tensor in wanted.items():
        scale = max(float(tensor.abs().max()), 0.1 * largest, 1e-30)
        error = float((found[name].double() - tensor).abs().max()) / scale
        worst = max(worst, (error if error == error else float("inf"), name))
    return worst
