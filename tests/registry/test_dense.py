"""Dense nodes: linear units, symbols, normalisation, axes."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from nnrun.registry.algebra.activations import ACTIVATIONS
from nnrun.registry.modules.activations import activation
from nnrun.registry.modules.init import initialize
from nnrun.registry.node import Node
from nnrun.registry.shape import InputError, Shape, ShapeError
from tests.registry.nodes import node

FLAT, IMAGE = Shape((5,)), Shape((2, 4, 3))
WORD = Shape(kind="token", classes="review")


def test_linear_adds_one_product_for_each_edge() -> None:
    module = node("linear", units=3, activation="tanh").build(Shape((5,)), Shape((2,)), Shape())
    weights = dict(module.named_parameters())
    nn.init.normal_(weights["bias"])
    x, u, s = torch.randn(4, 5), torch.randn(4, 2), torch.randn(4)

    sums = x @ weights["weight.0"].T + u @ weights["weight.1"].T + s[:, None] @ weights["weight.2"].T + weights["bias"]

    assert list(weights) == ["bias", "weight.0", "weight.1", "weight.2"]
    torch.testing.assert_close(module(x, u, s), torch.tanh(sums))


def test_each_matrix_of_linear_starts_by_its_own_size() -> None:
    module = node("linear", units=50).build(Shape((400,)), Shape((10,)))
    wide, narrow = (dict(module.named_parameters())[f"weight.{edge}"] for edge in (0, 1))

    assert wide.abs().max().item() == pytest.approx(sqrt(6 / 450), rel=0.01)
    assert narrow.abs().max().item() == pytest.approx(sqrt(6 / 60), rel=0.05)


@pytest.mark.parametrize(
    ("scheme", "deviation"),
    [
        ("xavier", sqrt(2 / 500)),
        ("xavier_normal", sqrt(2 / 500)),
        ("he", sqrt(2 / 300)),
        ("he_normal", sqrt(2 / 300)),
        ("normal", 0.05),
        ("zeros", 0.0),
    ],
)
def test_start_has_the_deviation_of_its_paper(scheme: str, deviation: float) -> None:
    torch.manual_seed(0)

    assert initialize(torch.empty(200, 300), scheme).std().item() == pytest.approx(deviation, rel=0.02)


def test_orthogonal_start_keeps_lengths() -> None:
    weight = initialize(torch.empty(20, 12), "orthogonal")

    torch.testing.assert_close(weight.T @ weight, torch.eye(12), atol=1e-5, rtol=0)


def test_embedding_is_a_linear_node_after_one_hot() -> None:
    words = Shape(kind="token", classes=7)
    symbols = torch.tensor([[3, 0], [6, 3]])
    table = node("embedding", units=4).build(words)
    hot = node("one_hot").build(words)(symbols)

    torch.testing.assert_close(table(symbols), hot @ table.weight)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_exists_and_keeps_the_shape(name: str) -> None:
    x = torch.randn(3, 4, 2)

    assert activation(name)(x).shape == x.shape


def test_softmax_runs_over_channels_of_an_image() -> None:
    module = node("activation", function="softmax").build(IMAGE)

    torch.testing.assert_close(module(torch.randn(6, *(2, 4, 3))).sum(1), torch.ones(6, 4, 3))


def test_batch_norm_has_the_statistics_of_torch() -> None:
    x = torch.randn(8, 2, 4, 3)
    ours = node("batch_norm", momentum=0.3, eps=0.1).build(IMAGE)
    theirs = nn.BatchNorm2d(2, eps=0.1, momentum=0.3)

    torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


def test_batch_norm_uses_running_means_for_an_example_alone() -> None:
    module = node("batch_norm").build(FLAT)
    module(torch.randn(16, 5) + 3)
    means = module.get_buffer("running_mean").clone()
    alone = torch.randn(1, 5)

    trained = module(alone)

    torch.testing.assert_close(trained, module.eval()(alone))
    torch.testing.assert_close(module.get_buffer("running_mean"), means)


def test_tabular_is_embeddings_and_numbers_side_by_side() -> None:
    flat, label, word, number = Shape((3,)), Shape(kind="category", classes=4), Shape(kind="token", classes=7), Shape()
    module = node("tabular", units=2).build(label, flat, word, number)
    x = (torch.tensor([1, 3]), torch.randn(2, 3), torch.tensor([6, 0]), torch.randn(2))
    tables = list(module.parameters())
    assert torch.equal(module(*x), torch.cat([tables[0][x[0]], x[1], tables[1][x[2]], x[3][:, None]], 1))
    marks = node("tabular", categories="one_hot").build(label, flat)
    assert torch.equal(marks(*x[:2]), torch.cat([torch.eye(4)[x[0]], x[1]], 1))
    assert node("tabular").shape(Shape(kind="category", classes="city"), flat) == Shape((11,))
    assert node("tabular", categories="one_hot").shape(Shape(kind="category", classes="city"), flat) == Shape(("city+3",))


def test_tabular_refuses_what_is_no_table() -> None:
    label = Shape(kind="category", classes=4)
    with pytest.raises(ShapeError, match="no category arrives"):
        node("tabular").shape(Shape((3,)), Shape())
    with pytest.raises(ShapeError, match="`units` has no meaning"):
        node("tabular", categories="one_hot", units=3).shape(label)
    with pytest.raises(InputError, match="a flat input") as refused:
        node("tabular").shape(label, Shape((1, 8, 8)))
    assert refused.value.position == 1


def test_flatten_time_puts_the_first_tick_first() -> None:
    module = node("flatten_time").build(Shape((2,), time="series", ticks=3))
    ticks = torch.arange(6).reshape(3, 1, 2)

    assert module(ticks, lengths=torch.tensor([3])).tolist() == [[0, 1, 2, 3, 4, 5]]


def test_reshape_fills_in_what_is_left() -> None:
    assert node("reshape", to=[4, -1]).shape(IMAGE) == Shape((4, 6))


@pytest.mark.parametrize("to", [[], [0, 4], [-1, -1], [2.0], [True], 24, [-2], [1, 1, 1, 1, 24]])
def test_reshape_takes_a_list_of_sizes_only(to: Any) -> None:
    with pytest.raises(ValidationError) as error:
        node("reshape", to=to)

    assert error.value.error_count() == 1


def test_sizes_that_only_the_data_knows_flow_through() -> None:
    embedded = node("embedding", units=8).shape(WORD)
    image = Shape((3, "photo.height", "photo.width"))

    assert embedded == Shape((8,))
    assert node("embedding", units=8).parameters(WORD) == {"weight": ("review", 8)}
    assert node("one_hot").shape(WORD) == Shape(("review",))
    assert node("linear", units="label").shape(Shape(("review",))) == Shape(("label",))
    assert node("linear", units=2).parameters(Shape(("review",))) == {"weight.0": (2, "review"), "bias": (2,)}
    assert node("flatten").shape(image) == Shape(("3*photo.height*photo.width",))
    assert node("flatten_time").shape(Shape(("review",), time="series", ticks=4)) == Shape(("4*review",))
    assert node("layer_norm").parameters(Shape(("review",))) == {"weight": ("review",), "bias": ("review",)}
    assert node("reshape", to=[1, 28, 28]).shape(Shape(("review",))) == Shape((1, 28, 28))
    for same in (node("dropout"), node("activation", function="relu"), node("batch_norm"), node("layer_norm")):
        assert same.shape(image) == image


REFUSALS = [
    (node("linear", units=3), IMAGE, "takes a flat input (N)", "a `flatten` node between them gives (N=24)"),
    (node("linear", units=3), WORD, "takes a flat input (N)", "an `embedding` or `one_hot` node between them makes numbers of a token"),
    (
        node("embedding", units=3),
        FLAT,
        "takes a category or a token",
        "a `linear` node takes numbers; where they stand for classes, the field is `{type: category}`, without `normalize`",
    ),
    (node("dropout"), WORD, "takes numbers", "an `embedding` or `one_hot` node between them makes numbers of a token"),
    (
        node("linear", units=1, activation="softmax"),
        FLAT,
        "`softmax` over a single feature is always 1",
        "`sigmoid` makes a probability of one score",
    ),
    (
        node("activation", function="log_softmax"),
        Shape(),
        "`log_softmax` over a single feature is always 0",
        "`sigmoid` makes a probability of one score",
    ),
    (
        node("layer_norm"),
        Shape(),
        "takes two or more features",
        "a single one would always become 0; `batch_norm` compares it with other examples",
    ),
    (node("flatten_time"), FLAT, "takes a value with a fixed number of ticks", "`flatten` joins the axes of a value without a time axis"),
    (
        node("flatten_time"),
        FLAT.along("series"),
        "takes a value with a fixed number of ticks",
        "`window` in `data` cuts series to equal length; `last` or `pool_time` take any length",
    ),
    (node("reshape", to=[5, 5]), IMAGE, "`to: [5, 5]` takes 25 features, got 24 in (C=2, H=4, W=3)", "write `to: [1, 24]`, which holds 24"),
    (node("reshape", to=[5, -1]), IMAGE, "`to: [5, -1]` takes a multiple of 5 features, got (C=2, H=4, W=3)", None),
    (
        node("reshape", to=[5, -1]),
        Shape(("review",)),
        "takes a value of known size",
        "the size `review` is known only from the data: declare it in the field, or write it for -1",
    ),
]


@pytest.mark.parametrize(("config", "x", "message", "help"), REFUSALS, ids=lambda value: value if isinstance(value, str) else "")
def test_refusal_names_a_repair(config: Node, x: Shape, message: str, help: str | None) -> None:
    with pytest.raises(ShapeError) as refusal:
        config.shape(x)

    assert (refusal.value.message, refusal.value.help) == (message, help)


def test_refusal_names_the_input_at_fault() -> None:
    with pytest.raises(InputError) as refusal:
        node("linear", units=3).shape(FLAT, FLAT, IMAGE)

    assert refusal.value.position == 2
