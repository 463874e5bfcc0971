"""Convolution and pooling: against Keras, and against torch in what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from nnrun.registry.node import Node
from nnrun.registry.shape import InputError, Shape, ShapeError
from nnrun.registry.spatial import same_padding
from tests.registry.like_keras import KERAS, assert_same, fill, name
from tests.registry.nodes import node
from tests.registry.waves import wave


@pytest.mark.parametrize("case", KERAS["conv"], ids=name)
def test_conv_is_that_of_keras(case: dict[str, Any]) -> None:
    module = node("conv", filters=6, **case["options"]).build(Shape(tuple(case["input"][1:])))
    fill(module, phase=1.0)

    assert_same(module(torch.from_numpy(wave(case["input"]))), case["result"])


@pytest.mark.parametrize("case", KERAS["pool"], ids=name)
def test_pool_is_that_of_keras(case: dict[str, Any]) -> None:
    module = node("pool", **case["options"]).build(Shape(tuple(case["input"][1:]))).double()

    assert_same(module(torch.from_numpy(wave(case["input"]))), case["result"])


def conv(filters: int, kernel: int) -> dict[str, Any]:
    return {"type": "conv", "filters": filters, "kernel": kernel, "padding": "same", "activation": "relu"}


POOL = {"type": "pool", "size": 3, "stride": 1, "padding": "same"}
TOWERS = [[conv(64, 1), conv(64, 3)], [conv(64, 1), conv(64, 5)], [POOL, conv(64, 1)]]


def test_inception_is_that_of_keras() -> None:
    module = node("inception", towers=TOWERS).build(Shape((3, 32, 32)))
    convolutions = [part for part in module.modules() if list(part.parameters(recurse=False))]
    for number, part in enumerate(convolutions):
        fill(part, phase=float(number))

    assert_same(module(torch.from_numpy(wave((1, 3, 32, 32)))), KERAS["inception"]["result"])


CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
MAX_POOLS, MEAN_POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d), (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)

lengths = st.lists(st.integers(1, 7), min_size=1, max_size=3)
side = st.integers(1, 4)


def shape_or_refusal(make: Any) -> tuple[int, ...] | None:
    try:
        return tuple(make())
    except (ShapeError, RuntimeError, ValueError):
        return None


@settings(max_examples=300, deadline=None)
@given(lengths, st.integers(1, 4), st.integers(1, 4), side, side, st.integers(0, 3), st.integers(1, 3), st.integers(1, 4))
def test_conv_takes_and_refuses_what_torch_does(
    lengths: list[int], channels: int, filters: int, kernel: int, stride: int, padding: int, dilation: int, groups: int
) -> None:
    x = torch.zeros(1, channels, *lengths)
    config = node("conv", filters=filters, kernel=kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)

    ours = shape_or_refusal(lambda: config.shape(Shape((channels, *lengths))).axes)
    theirs = shape_or_refusal(
        lambda: CONVOLUTIONS[len(lengths) - 1](channels, filters, kernel, stride, padding, dilation, groups)(x).shape[1:]
    )

    assert ours == theirs


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["max", "mean"]), lengths, side, side, st.integers(0, 3))
def test_pool_takes_and_refuses_what_torch_does(method: str, lengths: list[int], size: int, stride: int, padding: int) -> None:
    x = torch.randn(1, 2, *lengths)
    config = node("pool", method=method, size=size, stride=stride, padding=padding)
    module = (MAX_POOLS if method == "max" else MEAN_POOLS)[len(lengths) - 1](size, stride, padding)

    ours = shape_or_refusal(lambda: config.shape(Shape((2, *lengths))).axes)
    theirs = shape_or_refusal(lambda: module(x).shape[1:])

    assert ours == theirs or avg_pool3d_is_too_strict(method, lengths, size, padding)
    if ours is not None:
        assert tuple(config.build(Shape((2, *lengths)))(x).shape[1:]) == ours


def avg_pool3d_is_too_strict(method: str, lengths: list[int], size: int, padding: int) -> bool:
    """It refuses a window larger than the image, even where padding makes room; the other five pools do not, nor do we."""
    return method == "mean" and len(lengths) == 3 and min(lengths) < size <= min(lengths) + 2 * padding


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 60), side, st.integers(1, 7), st.integers(1, 5))
def test_same_padding_is_the_least_that_keeps_the_positions(length: int, kernel: int, stride: int, dilation: int) -> None:
    span = (kernel - 1) * dilation + 1
    before, after = same_padding(length, span, stride)
    positions = -(-length // stride)

    assert after - before in (0, 1)
    assert (length + before + after - span) // stride + 1 == positions
    assert before + after == 0 or (length + before + after - 1 - span) // stride + 1 < positions


def test_odd_padding_goes_right_and_below() -> None:
    module = node("conv", filters=1, kernel=2, padding="same", bias=False).build(Shape((1, 2, 2)))
    module.weight.data = torch.ones(1, 1, 2, 2)

    assert module(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])).tolist() == [[[[10, 6], [7, 4]]]]


def test_softmax_of_a_convolution_runs_over_channels() -> None:
    scores = node("conv", filters=5, activation="softmax").build(Shape((2, 6, 7)))(torch.randn(3, 2, 6, 7))

    torch.testing.assert_close(scores.sum(1), torch.ones(3, 4, 5))


def test_mean_pool_leaves_padding_out_of_the_count() -> None:
    row = torch.tensor([[[1.0, 3.0, 8.0]]])
    ones = node("pool", method="mean", size=2, stride=2, padding=1).build(Shape((1, 3)))
    same = node("pool", method="mean", size=2, stride=1, padding="same").build(Shape((1, 3)))

    assert ones(row).tolist() == [[[1.0, 5.5]]]
    assert same(row).tolist() == [[[2.0, 5.5, 8.0]]]


def test_max_pool_never_chooses_padding() -> None:
    row = torch.tensor([[[-3.0, -1.0, -2.0]]])

    assert node("pool", size=2, stride=1, padding="same").build(Shape((1, 3)))(row).tolist() == [[[-1.0, -1.0, -2.0]]]


@pytest.mark.parametrize(
    "config",
    [
        node("conv", filters=8, kernel=2, padding="same"),
        node("pool", size=2, stride=1, padding="same"),
        node("pool", method="mean", size=2, stride=1, padding="same"),
        node("batch_norm"),
        node("inception", towers=TOWERS),
    ],
    ids=str,
)
def test_images_stay_channels_last(config: Node) -> None:
    x = torch.randn(2, 4, 6, 5).to(memory_format=torch.channels_last)
    module = config.build(Shape((4, 6, 5))).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    assert module(x).is_contiguous(memory_format=torch.channels_last)


def test_global_pool_takes_an_image_whose_size_only_the_data_knows() -> None:
    assert node("global_pool").shape(Shape((7, "photo.height", "photo.width"))) == Shape((7,))


def test_conv_takes_channels_that_only_the_data_knows() -> None:
    x = Shape(("photo.channels", 8, 8))

    assert node("conv", filters=4).shape(x) == Shape((4, 6, 6))
    assert node("conv", filters=4).parameters(x) == {"weight": (4, "photo.channels", 3, 3), "bias": (4,)}


def test_nodes_of_a_tower_start_as_the_whole_does() -> None:
    towers = [[{"type": "conv", "filters": 2}, {"type": "batch_norm"}], [{"type": "conv", "filters": 2, "init": "normal"}]]
    parameters = dict(node("inception", towers=towers, init="zeros").build(Shape((1, 5, 5))).named_parameters())

    assert {key for key, value in parameters.items() if value.any()} == {"towers.0.1.weight", "towers.1.0.weight"}


IMAGE = Shape((3, 5, 5))

REFUSALS = [
    (node("conv", filters=4, kernel=7), IMAGE, "kernel", "`kernel` is 7 x 7 and does not fit an input of 5 x 5"),
    (
        node("conv", filters=4, kernel=[3, 8], padding=1),
        IMAGE,
        "kernel",
        "`kernel` is 3 x 8 and does not fit an input of 5 x 5, 7 x 7 with its padding",
    ),
    (
        node("conv", filters=4, dilation=3),
        IMAGE,
        "kernel",
        "`kernel` is 3 x 3, 7 x 7 with its dilation, and does not fit an input of 5 x 5",
    ),
    (node("conv", filters=4, kernel=[3, 3, 3]), IMAGE, "kernel", "`kernel` has 3 numbers, but 2 axes are spatial"),
    (node("conv", filters=4, groups=2), IMAGE, "groups", "`groups` is 2, which does not divide the 3 channels that arrive"),
    (node("conv", filters=4, groups=3), IMAGE, "groups", "`groups` is 3, which does not divide the 4 filters"),
    (node("conv", filters=1, activation="softmax"), IMAGE, "activation", "`softmax` over a single feature is always 1"),
    (node("pool", size=6), IMAGE, "size", "`size` is 6 x 6 and does not fit an input of 5 x 5"),
    (node("pool", size=3, padding=2), IMAGE, "padding", "`padding` is at most half of `size`, 1, got 2"),
    (
        node("inception", towers=[[{"type": "conv", "filters": 1, "kernel": 1}], [{"type": "pool"}]]),
        IMAGE,
        "towers",
        "all towers end with the same sizes, but tower 1 gives (C=1, H=5, W=5) and tower 2 gives (C=3, H=2, W=2)",
    ),
    (
        node("inception", towers=[[{"type": "pool"}, {"type": "conv", "filters": 2}]]),
        IMAGE,
        "towers",
        "node 2 of tower 1, `conv`: `kernel` is 3 x 3 and does not fit an input of 2 x 2",
    ),
    (
        node("inception", towers=[[{"type": "one_hot"}]]),
        IMAGE,
        "towers",
        "node 1 of tower 1, `one_hot`, takes a category or a token, got (C=3, H=5, W=5)",
    ),
    (
        node("inception", towers=[["flatten"]]),
        IMAGE,
        "towers",
        "node 1 of tower 1, `flatten`, gives (N=75), but a tower keeps its number of axes, those of (C=3, H=5, W=5)",
    ),
    (node("inception", towers=[["add"]]), IMAGE, "towers", "node 1 of tower 1, `add`, does more than take one image and give one"),
    (
        node("inception", towers=[[{"type": "conv", "filters": 2, "freeze": True}]]),
        IMAGE,
        "towers",
        "node 1 of tower 1, `conv`, has an option `freeze`, which stands at the inception node",
    ),
]


@pytest.mark.parametrize(("config", "x", "field", "message"), REFUSALS, ids=lambda value: value if isinstance(value, str) else "")
def test_refusal_says_both_values(config: Node, x: Shape, field: str, message: str) -> None:
    with pytest.raises(ShapeError) as refusal:
        config.shape(x)

    assert (refusal.value.field, refusal.value.message) == (field, message)


WANTED = "a row (C, L), an image (C, H, W) or a volume (C, D, H, W)"


@pytest.mark.parametrize(
    ("x", "wanted", "help"),
    [
        (Shape((64,)), WANTED, "a `reshape` node between them, `to: [1, 64]`, makes one channel of it"),
        (Shape(), WANTED, "a single number has no axis to slide over; `linear` takes it"),
        (Shape(kind="token"), WANTED, "an `embedding` or `one_hot` node between them makes numbers of a token"),
        (Shape((1, 2, 3, 4, 5)), WANTED, "a `reshape` node between them joins axes"),
        (
            Shape((3, "photo.height", 5)),
            "an image of known size",
            "the size `photo.height` is known only from the data: declare it in the field",
        ),
    ],
)
def test_conv_says_what_it_takes_instead(x: Shape, wanted: str, help: str) -> None:
    with pytest.raises(InputError) as refusal:
        node("conv", filters=4).shape(x)

    assert (refusal.value.wanted, refusal.value.help) == (wanted, help)


def test_wrong_node_in_a_tower_is_one_finding() -> None:
    with pytest.raises(ValidationError) as error:
        node("inception", towers=[[{"type": "conv", "filters": 0}], [{"type": "pool"}]])

    assert [finding["loc"] for finding in error.value.errors()] == [("towers", 0, 0)]
