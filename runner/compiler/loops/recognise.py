"""Loops that are a cell of the literature: then torch's fused kernel runs them, and if not, why not.

A loop is written in many ways: gates as nodes of their own or inside a formula, factors in any order. So all values without a
past are put into those that have one, factors and terms are sorted, and the result is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

from nnrun.registry.algebra.formula import Apply, Constant, Expression, Read
from nnrun.runner.compiler.loops.program import Inner, Operand, Outer, Program, Sum


@dataclass(frozen=True, slots=True)
class Cell:
    """A program that is a cell: which of its products are the gates, and which values the states."""

    kind: str
    """`lstm`, `gru` or `rnn`."""
    gates: Mapping[str, str]
    """Product of each gate: i, f, g, o of an LSTM; r, z, n of a GRU, n that of h_{t-1} alone; h of an RNN."""
    states: Mapping[str, str]
    """Value of each state: h, and c of an LSTM."""
    input: str
    """The value from outside that all gates read."""
    function: str = "tanh"
    candidate: str = ""
    """Of a GRU, the value from outside to which r * n is added."""
    keeps: bool = True
    """Of a GRU, whether z is what is kept of h_{t-1}, as in torch; else it is what is taken of the candidate."""

    def __str__(self) -> str:
        return {"lstm": "an LSTM", "gru": "a GRU"}.get(self.kind, f"a plain recurrent cell of {self.function}")


def recognise(program: Program) -> Cell | str:
    """The cell that a program is, or in words what sets it apart from an LSTM, a GRU and an RNN."""
    cell = _cell(program)
    inside = [name for name in program.outputs if name != cell.states["h"]] if isinstance(cell, Cell) else []
    return f"`{inside[0]}`, the inside of the cell, is read outside, where the fused kernel does not give it" if inside else cell


def _cell(program: Program) -> Cell | str:
    states = sorted(program.depths)
    if any(depth != 1 for depth in program.depths.values()):
        late = next(name for name, depth in program.depths.items() if depth != 1)
        return f"`{late}` is read {program.depths[late]} ticks later, a cell's states one tick later"
    reads: list[Operand] = []
    expressions = {name: _expand(program, name, reads, states) for name in states}
    if len(states) == 1:
        (h,) = states
        match expressions[h]:
            case Apply(function="tanh" | "relu" as function, arguments=(Read(index=index),)) if isinstance(reads[index], Sum):
                return _with_input(program, Cell("rnn", {"h": reads[index].name}, {"h": h}, "", function))
        return _as_gru(program, h, expressions[h], reads)
    if len(states) != 2:
        return f"it keeps {len(states)} values from tick to tick, an LSTM two, a GRU and a plain recurrent cell one"
    misses: list[_Miss] = []
    for h, c in permutations(states):
        found = _as_lstm(program, h, c, expressions, reads)
        if isinstance(found, Cell):
            return _with_input(program, found)
        misses.append(found)
    return max(misses, key=lambda miss: miss.near).why


@dataclass(frozen=True, slots=True)
class _Miss:
    """How near to an LSTM a program came, in parts that were right, and what the next one lacked."""

    near: int
    why: str


def _as_lstm(program: Program, h: str, c: str, expressions: Mapping[str, Expression], reads: list[Operand]) -> Cell | _Miss:
    """h = sigmoid(o) * tanh(c);  c = sigmoid(f) * prev(c) + sigmoid(i) * tanh(g)."""
    output = _factors(expressions[h])
    inside = [factor for factor in output if factor == Apply("tanh", (_read(reads, Inner(c, 0)),))]
    if len(output) != 2 or len(inside) != 1:
        return _Miss(1, f"`{h}` is not a gate times tanh of `{c}`")
    o = _gate(next(factor for factor in output if factor != inside[0]), reads, "sigmoid")
    if o is None:
        return _Miss(2, f"the output gate, in `{h}`, is not sigmoid of a sum")
    terms = _terms(expressions[c])
    if len(terms) != 2:
        return _Miss(3, f"`{c}` is not a sum of two products")
    kept = [term for term in terms if _read(reads, Inner(c, 1)) in _factors(term)]
    if len(kept) != 1:
        return _Miss(4, f"`{c}` does not keep its own past in one of its two terms")
    new = next(term for term in terms if term != kept[0])
    forget = [factor for factor in _factors(kept[0]) if factor != _read(reads, Inner(c, 1))]
    f = _gate(forget[0], reads, "sigmoid") if len(forget) == 1 else None
    if f is None:
        return _Miss(5, f"the forget gate, in `{c}`, is not sigmoid of a sum")
    factors = _factors(new)
    gates = (
        [(_gate(one, reads, "sigmoid"), _gate(other, reads, "tanh")) for one, other in permutations(factors)] if len(factors) == 2 else []
    )
    found = next(((i, g) for i, g in gates if i and g), None)
    if found is None:
        return _Miss(6, f"what is new in `{c}` is not sigmoid of a sum times tanh of a sum{_other(program, factors, reads)}")
    i, g = found
    products = {"i": i, "f": f, "g": g, "o": o}
    if len(set(products.values())) < 4:
        return _Miss(7, "two gates are the same sum")
    for gate, name in products.items():
        terms_read = [term.value for term in program.products[name].terms]
        if terms_read != [Inner(h, 1)]:
            words = ", ".join(f"`{value}`" for value in terms_read) or "nothing of the loop"
            return _Miss(8, f"gate `{name}` reads {words}, an LSTM's gate {gate} reads `prev({h})` alone")
    return Cell("lstm", products, {"h": h, "c": c}, "")


def _as_gru(program: Program, h: str, expression: Expression, reads: list[Operand]) -> Cell | str:
    """h = z * prev(h) + (1 - z) * tanh(n + r * u), or with z and 1 - z swapped; z and r are sigmoid of a sum, u is a sum."""
    past = _read(reads, Inner(h, 1))
    kept = [term for term in _terms(expression) if past in _factors(term)]
    new = [term for term in _terms(expression) if term not in kept]
    if len(kept) != 1 or len(new) != 1 or len(_factors(kept[0])) != 2 or len(_factors(new[0])) != 2:
        return (
            f"`{h}` is neither tanh nor relu of a sum, as in a plain recurrent cell, nor shares of its past and its candidate, as in a GRU"
        )
    share = next(factor for factor in _factors(kept[0]) if factor != past)
    inside = next((factor for factor in _factors(new[0]) if isinstance(factor, Apply) and factor.function == "tanh"), None)
    other = next((factor for factor in _factors(new[0]) if factor != inside), None)
    if inside is None or other is None:
        return f"the candidate of `{h}` is not tanh of something, as in a GRU"
    keeps = other == Apply("subtract", (Constant(1.0), share))
    if not keeps and share != Apply("subtract", (Constant(1.0), other)):
        return f"the shares in `{h}` of its past and its candidate do not add up to one, as in a GRU"
    z = _gate(share if keeps else other, reads, "sigmoid")
    outer, gated = _candidate(inside.arguments[0], reads)
    gates = [(_gate(one, reads, "sigmoid"), _sum(other, reads)) for one, other in permutations(gated)] if len(gated) == 2 else []
    r, n = next(((r, n) for r, n in gates if r and n), (None, None))
    if z is None or r is None or n is None or outer is None:
        return f"the candidate of `{h}` is not tanh of a value from outside and of a gate times a sum, as in a GRU"
    for name in (r, z, n):
        if [term.value for term in program.products[name].terms] != [Inner(h, 1)]:
            return f"gate `{name}` reads more of the loop than `prev({h})`"
    if program.products[n].outer or len({program.products[name].width for name in (r, z, n)}) != 1 or program.outers[outer][1] == 1:
        return f"`{n}`, which the reset gate multiplies, reads more than `prev({h})`, or widths differ"
    read = [tuple(value for _, value in program.products[name].outer) for name in (r, z)]
    if read[0] != read[1] or len(read[0]) != 1 or not read[0][0].timed:
        return "its gates do not all read one and the same sequence from outside"
    return Cell("gru", {"r": r, "z": z, "n": n}, {"h": h}, read[0][0].name, "tanh", outer, keeps)


def _candidate(expression: Expression, reads: list[Operand]) -> tuple[str | None, list[Expression]]:
    """The value from outside that is added, and the factors of the other term."""
    terms = _terms(expression)
    for one, other in permutations(terms) if len(terms) == 2 else ():
        if isinstance(one, Read) and isinstance(outer := reads[one.index], Outer) and outer.timed:
            return outer.name, _factors(other)
    return None, []


def _sum(expression: Expression, reads: list[Operand]) -> str | None:
    """The product that is read."""
    operand = reads[expression.index] if isinstance(expression, Read) else None
    return operand.name if isinstance(operand, Sum) else None


def _with_input(program: Program, cell: Cell) -> Cell | str:
    """The cell with the one value from outside that its gates read."""
    if cell.kind == "rnn" and [term.value for term in program.products[cell.gates["h"]].terms] != [Inner(cell.states["h"], 1)]:
        return f"`{cell.gates['h']}` reads more of the loop than `prev({cell.states['h']})`"
    read = {tuple(value for _, value in program.products[name].outer) for name in cell.gates.values()}
    if len(read) != 1 or len(next(iter(read))) != 1 or not next(iter(read))[0].timed:
        return "its gates do not all read one and the same sequence from outside"
    widths = {program.products[name].width for name in cell.gates.values()}
    if len(widths) != 1:
        return f"its gates are of different width: {', '.join(map(str, sorted(widths)))}"
    if set(cell.states.values()) != set(program.depths) or any(not program.products[name].bias for name in cell.gates.values()):
        return "a gate has no bias, a fused cell's gates all have one"
    return Cell(cell.kind, cell.gates, cell.states, next(iter(read))[0].name, cell.function)


def _expand(program: Program, name: str, reads: list[Operand], states: list[str]) -> Expression:
    """The expression of a value over sums, the past, and states of this tick."""
    maps = {map.name: map for map in program.maps}

    def walk(expression: Expression, operands: tuple[Operand, ...]) -> Expression:
        match expression:
            case Read(index=index):
                operand = operands[index]
                if isinstance(operand, Inner) and not operand.delay and operand.name not in states:
                    return walk(maps[operand.name].expression, maps[operand.name].reads)
                return _read(reads, operand)
            case Apply(function=function, arguments=arguments):
                return Apply(function, tuple(walk(argument, operands) for argument in arguments))
            case Constant():
                return expression
        raise TypeError(f"not an expression of formulas: {expression!r}")

    return walk(maps[name].expression, maps[name].reads)


def _read(reads: list[Operand], operand: Operand) -> Read:
    """The operand as a reading of one common list."""
    if operand not in reads:
        reads.append(operand)
    return Read(reads.index(operand))


def _factors(expression: Expression) -> list[Expression]:
    if isinstance(expression, Apply) and expression.function == "multiply":
        return [factor for argument in expression.arguments for factor in _factors(argument)]
    return [expression]


def _terms(expression: Expression) -> list[Expression]:
    if isinstance(expression, Apply) and expression.function == "add":
        return [term for argument in expression.arguments for term in _terms(argument)]
    return [expression]


def _gate(expression: Expression, reads: list[Operand], function: str) -> str | None:
    """The product whose sum goes through the function."""
    match expression:
        case Apply(function=name, arguments=(Read(index=index),)) if name == function and isinstance(reads[index], Sum):
            return reads[index].name
    return None


def _other(program: Program, factors: list[Expression], reads: list[Operand]) -> str:
    """Which gate has another function than an LSTM's."""
    for factor in factors:
        match factor:
            case Apply(function=name, arguments=(Read(index=index),)) if isinstance(reads[index], Sum) and name not in ("sigmoid", "tanh"):
                return f": gate `{reads[index].name}` has the activation {name}"
    return ""
