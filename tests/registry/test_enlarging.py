"""Transposed convolution and upsampling: against Keras, torch, and the convolution that they undo."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from nnrun.registry.node import Node
from nnrun.registry.shape import InputError, Shape, ShapeError
from tests.registry.like_keras import KERAS, assert_same, fill, name
from tests.registry.nodes import node
from tests.registry.waves import wave


@pytest.mark.parametrize("case", KERAS["conv_transpose"], ids=name)
def test_conv_transpose_is_that_of_keras(case: dict[str, Any]) -> None:
    module = node("conv_transpose", filters=6, **case["options"]).build(Shape(tuple(case["input"][1:])))
    fill(module, phase=1.0)

    assert_same(module(torch.from_numpy(wave(case["input"]))), case["result"])


@pytest.mark.parametrize("case", KERAS["upsample"], ids=name)
def test_upsample_is_that_of_keras(case: dict[str, Any]) -> None:
    module = node("upsample", **case["options"]).build(Shape(tuple(case["input"][1:])))

    assert_same(module(torch.from_numpy(wave(case["input"]))), case["result"])


def assert_values_and_gradients_are_equal(ours: nn.Module, theirs: nn.Module, x: Tensor) -> None:
    results = []
    for module in (ours, theirs):
        given = x.clone().requires_grad_()
        y = module(given)
        changed = [given, *module.parameters()]
        results.append([y, *torch.autograd.grad((y * torch.cos(torch.arange(y.numel())).view_as(y)).sum(), changed)])

    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
LINEAR = ("linear", "bilinear", "trilinear")


@pytest.mark.parametrize("lengths", [(7,), (5, 4), (3, 4, 2)])
@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation", "groups"), [(3, 1, 0, 1, 1), (4, 2, 1, 1, 2), (2, 3, 0, 2, 1)])
def test_conv_transpose_is_that_of_torch(
    lengths: tuple[int, ...], kernel: int, stride: int, padding: int, dilation: int, groups: int
) -> None:
    config = node("conv_transpose", filters=6, kernel=kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)
    ours = config.build(Shape((4, *lengths))).double()
    theirs = TRANSPOSED[len(lengths) - 1](4, 6, kernel, stride, padding, groups=groups, dilation=dilation).double()
    theirs.load_state_dict(ours.state_dict())

    assert_values_and_gradients_are_equal(ours, theirs, torch.randn(2, 4, *lengths, dtype=torch.float64))


@pytest.mark.parametrize("lengths", [(7,), (5, 4), (3, 4, 2)])
@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_upsample_is_that_of_torch(lengths: tuple[int, ...], method: str) -> None:
    ours = node("upsample", factor=3, method=method).build(Shape((2, *lengths)))
    theirs = nn.Upsample(scale_factor=3, mode="nearest" if method == "nearest" else LINEAR[len(lengths) - 1])

    assert_values_and_gradients_are_equal(ours, theirs, torch.randn(2, 2, *lengths, dtype=torch.float64))


lengths = st.lists(st.integers(1, 5), min_size=1, max_size=3)
side = st.integers(1, 4)


def shape_or_refusal(make: Any) -> tuple[int, ...] | None:
    try:
        return tuple(make())
    except (ShapeError, RuntimeError, ValueError):
        return None


@settings(max_examples=300, deadline=None)
@given(lengths, st.integers(1, 4), st.integers(1, 4), side, side, st.integers(0, 3), st.integers(1, 3), st.integers(1, 4))
def test_conv_transpose_takes_and_refuses_what_torch_does(
    lengths: list[int], channels: int, filters: int, kernel: int, stride: int, padding: int, dilation: int, groups: int
) -> None:
    x = torch.zeros(1, channels, *lengths)
    config = node("conv_transpose", filters=filters, kernel=kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)
    make = TRANSPOSED[len(lengths) - 1]

    ours = shape_or_refusal(lambda: config.shape(Shape((channels, *lengths))).axes)
    theirs = shape_or_refusal(lambda: make(channels, filters, kernel, stride, padding, groups=groups, dilation=dilation)(x).shape[1:])

    assert ours == (None if theirs and 0 in theirs else theirs)  # torch gives some images without a pixel


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
def test_conv_transpose_is_the_gradient_of_conv_with_the_same_options(length: int, kernel: int, stride: int, dilation: int) -> None:
    options = {"filters": 3, "kernel": kernel, "stride": stride, "dilation": dilation, "padding": "same", "bias": False}
    small, large = Shape((3, length)), Shape((3, length * stride))
    conv, transpose = node("conv", **options).build(large).double(), node("conv_transpose", **options).build(small).double()
    transpose.weight.data = conv.weight.data
    x, y = torch.randn(1, *large.axes, dtype=torch.float64, requires_grad=True), torch.randn(1, *small.axes, dtype=torch.float64)

    torch.testing.assert_close(transpose(y), torch.autograd.grad(conv(x), x, y)[0])


@pytest.mark.parametrize("options", [{}, {"groups": 2}], ids=str)
def test_conv_transpose_starts_with_the_weights_of_conv_turned_round(options: dict[str, int]) -> None:
    weights = []
    for type in ("conv", "conv_transpose"):
        torch.manual_seed(0)
        weights.append(node(type, filters=6, init="he", **options).build(Shape((4, 8, 8))).weight)
    groups = options.get("groups", 1)
    conv, transpose = (weight.unflatten(0, (groups, -1)) for weight in weights)

    assert torch.equal(conv, transpose.transpose(1, 2))


def test_a_kernel_below_the_stride_leaves_pixels_of_the_bias() -> None:
    row = torch.tensor([[[1.0, 2.0]]])
    results = {}
    for padding in ("valid", "same"):
        module = node("conv_transpose", filters=1, kernel=1, stride=3, padding=padding).build(Shape((1, 2)))
        module.weight.data, module.bias.data = torch.full((1, 1, 1), 10.0), torch.tensor([5.0])
        results[padding] = module(row).tolist()

    assert results == {"valid": [[[15, 5, 5, 25]]], "same": [[[15, 5, 5, 25, 5, 5]]]}


def test_odd_crop_goes_right_and_below() -> None:
    module = node("conv_transpose", filters=1, kernel=2, padding="same", bias=False).build(Shape((1, 2, 2)))
    module.weight.data = torch.tensor([[[[1.0, 10.0], [100.0, 1000.0]]]])

    assert module(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])).tolist() == [[[[1, 12], [103, 1234]]]]


def test_softmax_of_a_transposed_convolution_runs_over_channels() -> None:
    scores = node("conv_transpose", filters=5, activation="softmax").build(Shape((2, 6, 7)))(torch.randn(3, 2, 6, 7))

    torch.testing.assert_close(scores.sum(1), torch.ones(3, 8, 9))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 300))
def test_nearest_repeats_each_pixel_at_every_factor(factor: int, length: int) -> None:
    row = torch.arange(length, dtype=torch.float32).view(1, 1, -1)

    assert torch.equal(node("upsample", factor=factor).build(Shape((1, length)))(row), row.repeat_interleave(factor, dim=2))


def test_bilinear_lies_between_centres() -> None:
    module = node("upsample", method="bilinear").build(Shape((1, 2)))

    assert module(torch.tensor([[[0.0, 4.0]]])).tolist() == [[[0.0, 1.0, 3.0, 4.0]]]


@pytest.mark.parametrize(
    "config",
    [
        node("conv_transpose", filters=8, stride=2, padding="same"),
        node("conv_transpose", filters=8, kernel=2, stride=2),
        node("upsample"),
        node("upsample", method="bilinear"),
    ],
    ids=str,
)
def test_images_stay_channels_last(config: Node) -> None:
    x = torch.randn(2, 4, 6, 5).to(memory_format=torch.channels_last)
    module = config.build(Shape((4, 6, 5))).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    assert module(x).is_contiguous(memory_format=torch.channels_last)


def test_upsample_takes_an_image_whose_size_only_the_data_knows() -> None:
    x = Shape(("photo.channels", "photo.height", 4))

    assert node("upsample").shape(x) == Shape(("photo.channels", "2*photo.height", 8))


def test_conv_transpose_takes_channels_that_only_the_data_knows() -> None:
    x = Shape(("photo.channels", 8, 8))

    assert node("conv_transpose", filters=4).shape(x) == Shape((4, 10, 10))
    assert node("conv_transpose", filters=4).parameters(x) == {"weight": ("photo.channels", 4, 3, 3), "bias": (4,)}


IMAGE = Shape((3, 5, 5))

REFUSALS = [
    (
        node("conv_transpose", filters=4, padding=4),
        IMAGE,
        "padding",
        "`padding` cuts 4 x 4 off each side, and nothing is left of 7 x 7",
    ),
    (node("conv_transpose", filters=4, kernel=[3, 3, 3]), IMAGE, "kernel", "`kernel` has 3 numbers, but 2 axes are spatial"),
    (node("conv_transpose", filters=4, stride=[2]), IMAGE, "stride", "`stride` has 1 numbers, but 2 axes are spatial"),
    (node("conv_transpose", filters=4, groups=2), IMAGE, "groups", "`groups` is 2, which does not divide the 3 channels that arrive"),
    (node("conv_transpose", filters=4, groups=3), IMAGE, "groups", "`groups` is 3, which does not divide the 4 filters"),
    (node("conv_transpose", filters=1, activation="softmax"), IMAGE, "activation", "`softmax` over a single feature is always 1"),
    (node("upsample", factor=[2, 2, 2]), IMAGE, "factor", "`factor` has 3 numbers, but 2 axes are spatial"),
]


@pytest.mark.parametrize(("config", "x", "field", "message"), REFUSALS, ids=lambda value: value if isinstance(value, str) else "")
def test_refusal_says_both_values(config: Node, x: Shape, field: str, message: str) -> None:
    with pytest.raises(ShapeError) as refusal:
        config.shape(x)

    assert (refusal.value.field, refusal.value.message) == (field, message)


WANTED = "a row (C, L), an image (C, H, W) or a volume (C, D, H, W)"


@pytest.mark.parametrize("config", [node("conv_transpose", filters=4), node("upsample")], ids=str)
@pytest.mark.parametrize(
    ("x", "help"),
    [
        (Shape((64,)), "a `reshape` node between them, `to: [1, 64]`, makes one channel of it"),
        (Shape(kind="token"), "an `embedding` or `one_hot` node between them makes numbers of a token"),
        (Shape((1, 2, 3, 4, 5)), "a `reshape` node between them joins axes"),
    ],
)
def test_what_is_no_image_is_refused_with_a_repair(config: Node, x: Shape, help: str) -> None:
    with pytest.raises(InputError) as refusal:
        config.shape(x)

    assert (refusal.value.wanted, refusal.value.help) == (WANTED, help)


def test_conv_transpose_takes_an_image_of_known_size() -> None:
    with pytest.raises(InputError) as refusal:
        node("conv_transpose", filters=4).shape(Shape((3, "photo.height", 5)))

    assert refusal.value.help == "the size `photo.height` is known only from the data: declare it in the field"
