"""The cell of a node as a program: the same that its edges would give."""

from __future__ import annotations

from functools import cache

from nnrun.registry.algebra.equations import Equations
from nnrun.registry.algebra.formula import parse
from nnrun.registry.recurrent import Recurrent
from nnrun.registry.shape import known
from nnrun.runner.compiler.loops.program import Inner, Map, Operand, Outer, Product, Program, Sum, Term

X = Outer("x", True)
"""What a cell reads at each tick."""


def cell_program(config: Recurrent, masked: bool = False) -> Program | str:
    """The program of one layer in one direction, with a mask on h_{t-1} or without; or, in words, why it has none.

    Its weights are called `gate.input`, `gate.recurrent` and `gate.bias`, its outputs are the parts of the state.
    """
    equations = config.equations(masked)
    if equations is None:
        return f"`{config.activation}` is not computed entry by entry"
    return _program(equations, known(config.units))


@cache
def _program(equations: Equations, units: int) -> Program:
    names = {scores.name for scores in equations.scores}
    depths: dict[str, int] = {}

    def read(name: str, delay: int) -> Operand:
        if name in names:
            return Sum(name)
        if name in equations.vectors:
            return Outer(name, False)
        if delay:
            depths[name] = max(depths.get(name, 0), delay)
        return Inner(name, delay)

    products = {}
    for scores in equations.scores:
        terms: list[Term] = []
        if scores.recurrent is not None:
            (reading,) = parse(scores.recurrent).readings
            value = read(reading.name, reading.delay)
            assert isinstance(value, Inner)
            terms = [Term(f"{scores.gate}.recurrent", value)]
        outer = ((f"{scores.gate}.input", X),) if scores.input else ()
        products[scores.name] = Product(scores.name, units, tuple(terms), outer, f"{scores.gate}.bias" if scores.input else None)
    maps = []
    for name, text in equations.values:
        formula = parse(text)
        maps.append(Map(name, units, formula.expression, tuple(read(reading.name, reading.delay) for reading in formula.readings)))
    outers = {vector: (Outer(vector, False), units) for vector in equations.vectors}
    return Program(products, tuple(maps), outers, depths, equations.states)
