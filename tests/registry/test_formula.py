"""Formulas: the parser and the module."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError

from nnrun.registry.algebra.activations import FUNCTIONS
from nnrun.registry.algebra.formula import DEEPEST, LONGEST, Apply, Constant, FormulaError, Read, parse
from nnrun.registry.modules.activations import FUNCTIONS as TORCH
from nnrun.registry.nodes.formula import Formula
from nnrun.registry.shape import InputError, Shape, ShapeError


def formula(text: str) -> Formula:
    return Formula.model_validate({"type": "formula", "is": text})


def test_formula_becomes_a_tree_and_a_list_of_readings() -> None:
    parsed = parse("f * prev(c, 2) + f * net.gate")

    f, c, gate = Read(0), Read(1), Read(2)
    assert parsed.expression == Apply("add", (Apply("multiply", (f, c)), Apply("multiply", (f, gate))))
    assert [(reading.name, reading.port, reading.delay) for reading in parsed.readings] == [
        ("f", None, 0),
        ("c", None, 2),
        ("net", "gate", 0),
    ]


def test_readings_know_their_place_in_the_text() -> None:
    text = "i * tanh(g) + prev(c)"

    assert [text[reading.start : reading.end] for reading in parse(text).readings] == ["i", "g", "c"]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("-a ** 2", Apply("negative", (Apply("power", (Read(0), Constant(2.0))),))),
        ("+a", Read(0)),
        ("a - b - a", Apply("subtract", (Apply("subtract", (Read(0), Read(1))), Read(0)))),
        ("a / (1e-3)", Apply("divide", (Read(0), Constant(0.001)))),
    ],
)
def test_formula_binds_as_arithmetic_does(text: str, tree: object) -> None:
    assert parse(text).expression == tree


@pytest.mark.parametrize(
    ("text", "message", "marked"),
    [
        ("a + sinus(b)", "no function is named `sinus`", "sinus"),
        ("a if b else c", "a formula holds names, numbers, `+ - * / **`, functions and `prev(name)`, nothing else", "a if b else c"),
        ("a + [b]", "a formula holds names, numbers, `+ - * / **`, functions and `prev(name)`, nothing else", "[b]"),
        ("a and b", "a formula holds names, numbers, `+ - * / **`, functions and `prev(name)`, nothing else", "a and b"),
        ("a % b", "a formula holds names, numbers, `+ - * / **`, functions and `prev(name)`, nothing else", "a % b"),
        ("'a'", "a formula holds names, numbers, `+ - * / **`, functions and `prev(name)`, nothing else", "'a'"),
        ("True", "a formula holds names, numbers, `+ - * / **`, functions and `prev(name)`, nothing else", "True"),
        ("tanh(a, b)", "`tanh` takes 1 value, got 2", "tanh(a, b)"),
        ("minimum(a)", "`minimum` takes 2 values, got 1", "minimum(a)"),
        ("tanh(x=a)", "`tanh` takes 1 value, got 0", "tanh(x=a)"),
        ("prev(a + b)", "`prev` takes the name of a node, not an expression", "prev(a + b)"),
        ("prev(a, 0)", "`prev` takes a name and, if it is not 1, a delay in whole ticks", "prev(a, 0)"),
        ("prev(a, b)", "`prev` takes a name and, if it is not 1, a delay in whole ticks", "prev(a, b)"),
        ("a.b.c", "a value is named `node` or `node.port`", "a.b.c"),
        ("a.b()", "no function is named `a.b`", "a.b"),
        ("a * 1e999", "this number is too large", "1e999"),
        ("a ? b", "this is not an expression", "?"),
        ("a := b", "this is not an expression", ":="),
        ("__import__('os')", "no function is named `__import__`", "__import__"),
    ],
)
def test_wrong_formula_is_marked_where_it_is_wrong(text: str, message: str, marked: str) -> None:
    with pytest.raises(FormulaError) as error:
        parse(text)

    assert error.value.message == message
    assert marked.startswith(text[error.value.start : error.value.end])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("+".join("a" * (DEEPEST + 1)), f"a formula is at most {DEEPEST} expressions deep"),
        ("-" * (LONGEST - 1) + "a", f"a formula is at most {DEEPEST} expressions deep"),
        ("(" * 900 + "a" + ")" * 900, "this is not an expression"),
        ("a" * (LONGEST + 1), f"a formula has at most {LONGEST} characters, this one {LONGEST + 1}"),
    ],
    ids=["terms", "signs", "parentheses", "length"],
)
def test_size_of_a_formula_is_bounded(text: str, message: str) -> None:
    with pytest.raises(FormulaError) as error:
        parse(text)

    assert error.value.message == message


def test_deepest_formula_is_computed() -> None:
    module = formula("+".join("a" * DEEPEST)).build(Shape())

    assert module(torch.ones(2)).tolist() == [DEEPEST, DEEPEST]


def test_wrong_formula_is_one_finding_with_its_place() -> None:
    with pytest.raises(ValidationError) as error:
        formula("a + sinus(b)")

    (finding,) = error.value.errors()
    assert (finding["type"], finding["loc"], finding["msg"]) == ("formula", ("is",), "no function is named `sinus`")
    assert (finding["ctx"]["start"], finding["ctx"]["end"]) == (4, 9)


def test_torch_has_every_function_of_formulas() -> None:
    assert set(FUNCTIONS) <= set(TORCH)


EXPRESSIONS = [
    ("a * b + (1 - a) * tanh(c)", lambda a, b, c: a * b + (1 - a) * math.tanh(c)),
    ("-a ** 2 / b - c", lambda a, b, c: -(a**2) / b - c),
    ("2 ** a + sigmoid(b * c)", lambda a, b, c: 2**a + 1 / (1 + math.exp(-b * c))),
    ("minimum(a, b) + maximum(c, 0.5) + minimum(2, a)", lambda a, b, c: min(a, b) + max(c, 0.5) + min(2, a)),
    ("abs(a) * sqrt(exp(b)) + log(abs(c) + 1)", lambda a, b, c: abs(a) * math.sqrt(math.exp(b)) + math.log(abs(c) + 1)),
    ("sin(a) * cos(b) + relu(c) * sqrt(2)", lambda a, b, c: math.sin(a) * math.cos(b) + max(c, 0) * math.sqrt(2)),
    ("softsign(a) + softplus(b) + maximum(1, minimum(3, 2)) * c", lambda a, b, c: a / (1 + abs(a)) + math.log1p(math.exp(b)) + 2 * c),
    (
        "elu(a) + gelu(b) * c",
        lambda a, b, c: (a if a > 0 else math.exp(a) - 1) + 0.5 * b * (1 + math.erf(b / math.sqrt(2))) * c,
    ),
]


@pytest.mark.parametrize(("text", "meaning"), EXPRESSIONS, ids=[text for text, _ in EXPRESSIONS])
def test_formula_computes_what_python_does(text: str, meaning: object) -> None:
    torch.manual_seed(0)
    readings = torch.randn(3, 6, dtype=torch.float64)
    module = formula(text).build(*[Shape()] * 3)

    expected = [meaning(*entry) for entry in readings.T.tolist()]  # type: ignore[operator]

    torch.testing.assert_close(module(*readings), torch.tensor(expected, dtype=torch.float64))


def test_gradient_of_a_formula_is_right() -> None:
    module = formula("f * c + (1 - f) * tanh(g) / maximum(abs(c), 0.1)").build(Shape((4,)), Shape(), Shape((4,)))
    inputs = [torch.randn(3, *axes, dtype=torch.float64, requires_grad=True) for axes in ((4,), (), (4,))]

    assert torch.autograd.gradcheck(module, inputs)


def test_numbers_that_do_not_depend_on_readings_are_computed_once() -> None:
    module = formula("x * (1 / 0)").build(Shape())

    assert module(torch.tensor([-2.0, 3.0])).tolist() == [-math.inf, math.inf]


def test_formula_has_the_shape_of_what_it_reads() -> None:
    assert formula("f * prev(c) + g").shape(Shape(("review",)), Shape(), Shape((4,))) == Shape((4,))


def test_formula_refuses_readings_of_different_sizes() -> None:
    with pytest.raises(InputError) as refusal:
        formula("f * prev(c)").shape(Shape((4,)), Shape((5,)))

    assert (refusal.value.position, refusal.value.wanted) == (1, "(N=4), as the inputs before, or a single number")


def test_formula_refuses_an_edge_beside_its_names() -> None:
    with pytest.raises(InputError) as refusal:
        formula("f * 2").shape(Shape((4,)), Shape((4,)))

    assert (refusal.value.position, refusal.value.wanted) == (1, "no edge beside the names in its formula")


def test_formula_reads_something() -> None:
    with pytest.raises(ShapeError, match="a formula reads a node or a field, but `1 \\+ 2` reads none"):
        formula("1 + 2").shape()
