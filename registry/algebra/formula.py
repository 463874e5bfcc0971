"""Formulas over node names: parsed to a small tree, never evaluated as code.

    f * prev(c) + i * tanh(g)

Numbers, names (`node`, `node.port`), `prev(name)`, `prev(name, delay)`, the functions of `FUNCTIONS`,
`+ - * / **`, a minus sign, parentheses.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass

from nnrun.registry.algebra.activations import FUNCTIONS

LONGEST = 2000
"""Characters; enough for any cell of the literature."""

DEEPEST = 100
"""Expressions within expressions; far below what exhausts Python's stack."""

LONGEST_DELAY = 10_000
"""Ticks: the values of so many ticks are kept."""

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
}


class FormulaError(Exception):
    """What is wrong, and where: characters `start` to `end` of the text."""

    def __init__(self, message: str, start: int, end: int, help: str | None = None) -> None:
        super().__init__(message)
        self.message, self.start, self.end, self.help = message, start, end, help


@dataclass(frozen=True, slots=True)
class Reading:
    """A value that a node reads because an option names it, not because an edge brings it."""

    name: str
    port: str | None
    delay: int
    option: str
    """The option that names it."""
    start: int
    """Where in the option's text, in characters."""
    end: int


@dataclass(frozen=True, slots=True)
class Constant:
    value: float


@dataclass(frozen=True, slots=True)
class Read:
    """The value of reading number `index`."""

    index: int


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of `FUNCTIONS`, an operator, or `negative`."""

    function: str
    arguments: tuple[Expression, ...]


Expression = Constant | Read | Apply


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula. Equal readings stand once in `readings`."""

    expression: Expression
    readings: tuple[Reading, ...]


def parse(text: str, option: str = "is") -> Formula:
    """Parse a formula. Raises: FormulaError at the first thing that is not of the language."""
    if len(text) > LONGEST:
        raise FormulaError(f"a formula has at most {LONGEST} characters, this one {len(text)}", 0, len(text))
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        at = max(0, min((error.offset or 1) - 1, len(text) - 1))
        help = "names, numbers, `+ - * / **`, parentheses, functions and `prev(name)`"
        if text.count("(") > text.count(")"):
            help = "a parenthesis is open; between { } a formula that holds a comma stands in quotes: `is: 'prev(c, 2)'`"
        raise FormulaError("this is not an expression", at, at + 1, help) from None
    except (ValueError, RecursionError, MemoryError):
        raise FormulaError("this is not an expression", 0, len(text)) from None
    if _deeper_than(DEEPEST, tree.body):
        raise FormulaError(
            f"a formula is at most {DEEPEST} expressions deep", 0, len(text), "give a part of it a `formula` node of its own"
        )
    return _Reader(text, option).formula(tree.body)


def _deeper_than(depth: int, tree: ast.AST) -> bool:
    level = [tree]
    for _ in range(depth):
        level = [child for parent in level for child in ast.iter_child_nodes(parent) if isinstance(child, ast.expr)]
    return bool(level)


class _Reader:
    def __init__(self, text: str, option: str) -> None:
        self.text = text
        self.option = option
        self.readings: dict[tuple[str, str | None, int], tuple[int, Reading]] = {}

    def formula(self, tree: ast.expr) -> Formula:
        expression = self.expression(tree)
        return Formula(expression, tuple(reading for _, reading in self.readings.values()))

    def expression(self, tree: ast.expr) -> Expression:
        match tree:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                if abs(value) > sys.float_info.max:
                    raise self.error(tree, "this number is too large")
                return Constant(float(value))
            case ast.Name() | ast.Attribute():
                return self.reading(tree, tree, delay=0)
            case ast.Call(func=ast.Name(id="prev")):
                return self.previous(tree)
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                if len(tree.args) != FUNCTIONS[name] or tree.keywords:
                    raise self.error(tree, f"`{name}` takes {FUNCTIONS[name]} value{'s' * (FUNCTIONS[name] > 1)}, got {len(tree.args)}")
                return Apply(name, tuple(map(self.expression, tree.args)))
            case ast.Call(func=called):
                text = ast.get_source_segment(self.text, called)
                raise self.error(called, f"no function is named `{text}`", f"the functions are {', '.join(sorted(FUNCTIONS))} and prev")
            case ast.BinOp(op=operator) if type(operator) in _OPERATORS:
                return Apply(_OPERATORS[type(operator)], (self.expression(tree.left), self.expression(tree.right)))
            case ast.UnaryOp(op=ast.USub()):
                return Apply("negative", (self.expression(tree.operand),))
            case ast.UnaryOp(op=ast.UAdd()):
                return self.expression(tree.operand)
        message = "a formula holds names, numbers, `+ - * / **`, functions and `prev(name)`, nothing else"
        help = None
        if isinstance(tree, ast.IfExp | ast.Compare | ast.BoolOp):
            help = "a choice by size is made with functions: `maximum(a, b)`, `minimum(a, b)`, `relu(a)`"
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.MatMult):
            raise self.product(tree)
        raise self.error(tree, message, help)

    def product(self, tree: ast.BinOp) -> FormulaError:
        """About an `@`, which multiplies matrices elsewhere."""
        start, end = self.place(tree)
        what = "`@` is no sign of a formula"
        if any(isinstance(side, ast.Name) and not side.id.islower() for side in (tree.left, tree.right)):  # no node is called so
            help = "weights are those of a `linear` node: lead the value through one, and name that node in the formula"
            return FormulaError(what, start, end, help)
        sign = self.text.index("@", self.place(tree.left)[1])
        help = f"write `{self.text[start:sign]}*{self.text[sign + 1 : end]}`, entry by entry; a product with weights is a `linear` node's"
        return FormulaError(what, sign, sign + 1, help)

    def previous(self, call: ast.Call) -> Expression:
        delay = 1
        match call.args:
            case [value]:
                pass
            case [value, ast.Constant(value=int() as delay)] if delay >= 1 and not isinstance(delay, bool):
                pass
            case _:
                raise self.error(call, "`prev` takes a name and, if it is not 1, a delay in whole ticks")
        if delay > LONGEST_DELAY:
            raise self.error(call, f"a delay is a whole number of ticks from 1 to {LONGEST_DELAY}, got {delay}")
        if call.keywords or not isinstance(value, ast.Name | ast.Attribute):
            raise self.error(call, "`prev` takes the name of a node, not an expression", "give the expression a `formula` node of its own")
        return self.reading(call, value, delay)

    def reading(self, whole: ast.expr, value: ast.Name | ast.Attribute, delay: int) -> Read:
        match value:
            case ast.Name(id=name):
                port = None
            case ast.Attribute(value=ast.Name(id=name), attr=port):
                pass
            case _:
                raise self.error(value, "a value is named `node` or `node.port`")
        key = (name, port, delay)
        if key not in self.readings:
            start, end = self.place(value)
            self.readings[key] = (len(self.readings), Reading(name, port, delay, self.option, start, end))
        return Read(self.readings[key][0])

    def place(self, tree: ast.expr) -> tuple[int, int]:
        # ast counts columns in UTF-8 bytes; formulas of one line only, as YAML folds the others.
        line = self.text.encode()
        return len(line[: tree.col_offset].decode(errors="replace")), len(line[: tree.end_col_offset].decode(errors="replace"))

    def error(self, tree: ast.expr, message: str, help: str | None = None) -> FormulaError:
        return FormulaError(message, *self.place(tree), help)
