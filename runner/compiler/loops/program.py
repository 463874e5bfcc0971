"""A loop as a program that can leave Python: products with weights, and maps entry by entry, in the order of a tick.

Whatever does not read the loop's own past has left it: of a linear node the part that reads other nodes is one product for all
ticks, the loop only adds the rest. Products that read the same values become one. Source: RETURNN's moving of layers out of the
loop (Zeyer et al. 2018), and the measurements of this project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from nnrun.registry.algebra.activations import FUNCTIONS
from nnrun.registry.algebra.arithmetic import Affine
from nnrun.registry.algebra.formula import Apply, Constant, Expression, Read
from nnrun.registry.shape import known
from nnrun.runner.compiler.types.ops import Op


@dataclass(frozen=True, slots=True)
class Inner:
    """A value of the loop, `delay` ticks ago; 0 is this tick."""

    name: str
    delay: int

    def __str__(self) -> str:
        return self.name if not self.delay else f"prev({self.name})" if self.delay == 1 else f"prev({self.name}, {self.delay})"


@dataclass(frozen=True, slots=True)
class Outer:
    """A value that is computed outside: at every tick, or once for all of them."""

    name: str
    timed: bool

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Sum:
    """What the products of this tick gave a node, before its function."""

    name: str

    def __str__(self) -> str:
        return f"sum of {self.name}"


Operand = Inner | Outer | Sum


@dataclass(frozen=True, slots=True)
class Term:
    """A product inside the loop: weight (width, N) times a value."""

    weight: str
    """Full name, such as `i.weight.1`."""
    value: Inner


@dataclass(frozen=True, slots=True)
class Product:
    """Sum of products for one node: `outer` reads nothing of the loop and is ready for all ticks before the first."""

    name: str
    width: int
    terms: tuple[Term, ...]
    outer: tuple[tuple[str, Outer], ...]
    """(weight, value) pairs that have left the loop."""
    bias: str | None


@dataclass(frozen=True, slots=True)
class Map:
    """A value computed entry by entry."""

    name: str
    width: int
    expression: Expression
    """Over `reads`, by index."""
    reads: tuple[Operand, ...]


@dataclass(frozen=True)
class Program:
    """All that a tick computes, in order. Every map comes after what it reads at the same tick."""

    products: Mapping[str, Product]
    maps: tuple[Map, ...]
    outers: Mapping[str, tuple[Outer, int]]
    """Values from outside that maps read entry by entry, with their widths."""
    depths: Mapping[str, int]
    """How many ticks of a value are kept: its longest delay."""
    outputs: tuple[str, ...]
    """Values that are read outside."""

    @cached_property
    def inner_weights(self) -> tuple[str, ...]:
        """Full names of the weights that the loop multiplies with, tick by tick."""
        return tuple(dict.fromkeys(term.weight for product in self.products.values() for term in product.terms))

    @cached_property
    def weights(self) -> tuple[str, ...]:
        """Full names of all weights."""
        outer = [weight for product in self.products.values() for weight, _ in product.outer]
        return tuple(dict.fromkeys([*self.inner_weights, *outer, *(p.bias for p in self.products.values() if p.bias)]))


def make_program(ops: Sequence[Op], outputs: Sequence[str]) -> Program | str:
    """The program of a loop's ops, given in the order of a tick; or, in words, why it has none."""
    inside = {op.name for op in ops}
    products: dict[str, Product] = {}
    maps: list[Map] = []
    outers: dict[str, tuple[Outer, int]] = {}
    depths: dict[str, int] = {}
    for op in ops:
        reason = _reason(op)
        if reason is not None:
            return reason
        form = op.config.arithmetic(*op.seen[0])
        assert form is not None
        width = known(op.shape.axes[0]) if op.shape.axes else 1
        reads: list[Operand] = []
        for value in op.inputs:
            if value.value in inside:
                reads.append(Inner(value.value, value.delay))
                if value.delay:
                    depths[value.value] = max(depths.get(value.value, 0), value.delay)
            else:
                reads.append(Outer(str(value), value.shape.time is not None))
        if isinstance(form, Affine):
            if form.function != "identity" and form.function not in FUNCTIONS:
                return f"`{op.name}`: `{form.function}` is not computed entry by entry"
            owner = op.share or op.name
            weights = [f"{owner}.{weight}" for weight in form.weights]
            pairs = list(zip(weights, reads, strict=True))
            products[op.name] = Product(
                op.name,
                width,
                tuple(Term(weight, read) for weight, read in pairs if isinstance(read, Inner)),
                tuple((weight, read) for weight, read in pairs if isinstance(read, Outer)),
                f"{owner}.{form.bias}" if form.bias else None,
            )
            expression: Expression = Read(0) if form.function == "identity" else Apply(form.function, (Read(0),))
            maps.append(Map(op.name, width, expression, (Sum(op.name),)))
            continue
        for read, value in zip(reads, op.inputs, strict=True):
            if isinstance(read, Outer):
                outers[read.name] = (read, known(value.shape.axes[0]) if value.shape.axes else 1)
        if op.config.mask is not None:
            mask = Outer(f"{op.name}.mask", op.config.mask == "tick")
            outers[mask.name] = (mask, width)
            form, reads = Apply("multiply", (form, Read(len(reads)))), [*reads, mask]
        maps.append(Map(op.name, width, form, tuple(reads)))
    return Program(products, tuple(maps), outers, depths, tuple(outputs))


def _reason(op: Op) -> str | None:
    """Why an op cannot leave Python, in words; None if it can."""
    if op.ports or op.config.arithmetic(*op.seen[0]) is None:
        return f"`{op.name}`, a node of type `{op.config.type_name()}`, is neither linear nor computed entry by entry"
    for value, shape in ((op.name, op.shape), *((str(value), value.shape) for value in op.inputs)):
        if len(shape.axes) > 1:
            return f"`{value}` has more than one feature axis"
        if any(isinstance(size, str) for size in shape.axes):
            return f"the size of `{value}` is known only with the data"
    return None


def derivative(expression: Expression, index: int) -> Expression:
    """d expression / d reading `index`, simplified where that is free. Source: the chain rule."""
    match expression:
        case Constant():
            return Constant(0.0)
        case Read(index=own):
            return Constant(1.0 if own == index else 0.0)
        case Apply(function=name, arguments=(one,)):
            return _times(_slope(name, one), derivative(one, index))
        case Apply(function=name, arguments=(a, b)):
            da, db = derivative(a, index), derivative(b, index)
            match name:
                case "add":
                    return _plus(da, db)
                case "subtract":
                    return _plus(da, _negative(db))
                case "multiply":
                    return _plus(_times(da, b), _times(a, db))
                case "divide":
                    return _plus(_over(da, b), _negative(_over(_times(db, expression), b)))
                case "power":
                    left = _times(da, _times(b, Apply("power", (a, Apply("subtract", (b, Constant(1.0)))))))
                    # where the base is zero its logarithm is not there, and the slope along the power is taken to be zero
                    zero = Apply(
                        "subtract",
                        (Apply("subtract", (Constant(1.0), Apply("above", (a, Constant(0.0))))), Apply("above", (Constant(0.0), a))),
                    )
                    right = _times(db, _times(expression, Apply("log", (Apply("add", (a, zero)),))))
                    return _plus(left, right)
                case "maximum" | "minimum":
                    first, second = (a, b) if name == "maximum" else (b, a)
                    # half to each where they are equal, as torch has it
                    tilt = Apply("subtract", (Apply("above", (first, second)), Apply("above", (second, first))))
                    to_a = Apply("multiply", (Constant(0.5), Apply("add", (Constant(1.0), tilt))))
                    return _plus(_times(to_a, da), _times(Apply("subtract", (Constant(1.0), to_a)), db))
    raise TypeError(f"not an expression of formulas: {expression!r}")


def _slope(name: str, x: Expression) -> Expression:
    """Derivative of a function of one value, written with the value or the result, whichever is cheaper."""
    one, y = Constant(1.0), Apply(name, (x,))
    match name:
        case "negative":
            return Constant(-1.0)
        case "tanh":
            return Apply("subtract", (one, Apply("multiply", (y, y))))
        case "sigmoid":
            return Apply("multiply", (y, Apply("subtract", (one, y))))
        case "relu":
            return Apply("above", (x, Constant(0.0)))
        case "softsign":
            return Apply("divide", (one, Apply("multiply", (wide := Apply("add", (one, Apply("abs", (x,)))), wide))))
        case "softplus":
            return Apply("sigmoid", (x,))
        case "exp":
            return y
        case "log":
            return Apply("divide", (one, x))
        case "sqrt":
            return Apply("divide", (Constant(0.5), y))
        case "abs":
            return Apply("subtract", (Apply("above", (x, Constant(0.0))), Apply("above", (Constant(0.0), x))))
        case "sin":
            return Apply("cos", (x,))
        case "cos":
            return Apply("negative", (Apply("sin", (x,)),))
        case "elu":
            above = Apply("above", (x, Constant(0.0)))
            return Apply(
                "add", (above, Apply("multiply", (Apply("subtract", (one, above)), Apply("exp", (Apply("minimum", (x, Constant(0.0))),)))))
            )
        case "gelu":
            return Apply("gelu_slope", (x,))
    raise TypeError(f"`{name}` has no derivative here")


def _plus(a: Expression, b: Expression) -> Expression:
    if a == Constant(0.0):
        return b
    return a if b == Constant(0.0) else Apply("add", (a, b))


def _negative(a: Expression) -> Expression:
    return a if a == Constant(0.0) else Apply("negative", (a,))


def _over(a: Expression, b: Expression) -> Expression:
    return a if a == Constant(0.0) else Apply("divide", (a, b))


def _times(a: Expression, b: Expression) -> Expression:
    if Constant(0.0) in (a, b):
        return Constant(0.0)
    if a == Constant(1.0):
        return b
    return a if b == Constant(1.0) else Apply("multiply", (a, b))
