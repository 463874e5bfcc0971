"""Arithmetic over nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from nnrun.registry.accept import elementwise, outline
from nnrun.registry.algebra.arithmetic import Arithmetic
from nnrun.registry.algebra.formula import Apply, FormulaError, Reading, parse
from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.shape import InputError, Shape, ShapeError

if TYPE_CHECKING:
    from torch import nn


def _check(text: str) -> str:
    """Raises: PydanticCustomError of type `formula`, with the characters at fault from `start` to `end`."""
    try:
        parse(text)
    except FormulaError as error:
        context = {"message": error.message, "start": error.start, "end": error.end, "help": error.help, **_right_form(text)}
        raise PydanticCustomError("formula", "{message}", context) from None
    return text


def _right_form(text: str) -> dict[str, object]:
    """Where a formula is written as elsewhere, and how it is written here; nothing where that is not known."""
    from nnrun.registry.algebra.formula_forms import right_form

    form = right_form(text)
    if form is None:
        return {}
    try:
        parse(form[0])
    except FormulaError:
        return {}
    return {"start": form[1], "end": form[2], "help": f"write `{form[0]}`"}


@register
class Formula(Node):
    """Compute a value from others by a formula, entry by entry: `f * prev(c) + i * tanh(g)`.

    A formula holds names of nodes and fields (`node`, `node.port`), their values some ticks ago (`prev(node)`,
    `prev(node, 3)`), numbers, `+ - * / **`, parentheses, and the functions tanh, sigmoid, relu, softsign, softplus, elu, gelu,
    exp, log, sqrt, abs, sin, cos, minimum and maximum. Its names are its edges; they need not be repeated under `edges`.

    Shape: equal axes, or single numbers -> the same axes. An axis of size 1 is stretched to the others' size.
    Raises: InputError if axes differ; ShapeError if it reads nothing.
    """

    inputs = "many"
    batch = "any"

    type: Literal["formula"]
    is_: Annotated[str, AfterValidator(_check)] = Field(alias="is")
    """The formula."""

    @property
    def formula(self) -> str:
        return self.is_

    @property
    def outermost(self) -> tuple[str, str] | None:
        expression = parse(self.is_).expression
        return (expression.function, "is") if isinstance(expression, Apply) else None

    def readings(self) -> tuple[Reading, ...]:
        return parse(self.is_).readings

    def shape(self, *inputs: Shape) -> Shape:
        names = len(self.readings())
        if not names:
            raise ShapeError(f"a formula reads a node or a field, but `{self.is_}` reads none", field="is")
        if len(inputs) > names:
            help = "a formula's names are its edges: take this edge away, or write its source into the formula"
            raise InputError("no edge beside the names in its formula", position=names, help=help)
        return Shape(elementwise(inputs))

    def outline(self, *inputs: Shape | None) -> Shape | None:
        return outline(inputs)

    def arithmetic(self, *inputs: Shape) -> Arithmetic | None:
        return parse(self.is_).expression

    def build(self, *inputs: Shape) -> nn.Module:
        from nnrun.registry.modules.merge import Elementwise, evaluator

        return Elementwise(evaluator(parse(self.is_).expression), [len(x.axes) for x in inputs])
