"""Fewer ticks than arrive: kernels and windows that go on in strides, against torch's on each sequence alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nnrun.registry.algebra.ticks import Around, Lengths, Windows, origin, renamed, ticks_along
from nnrun.registry.shape import Shape, ShapeError
from tests.registry.sequences import module, node, padded, ragged, sequence

LENGTHS = [5, 1, 11, 2, 7, 0]
PLACES: list[dict[str, Any]] = [
    {"padding": padding, "stride": stride, size: number}
    for padding in ("valid", "same")
    for stride in (1, 2, 3)
    for size, number in (("size", 1), ("size", 2), ("size", 3), ("size", 5))
]

each = pytest.mark.parametrize("place", PLACES, ids=lambda place: " ".join(map(str, place.values())))


def around(x: Tensor, size: int, stride: int, padding: str, fill: float) -> Tensor | None:
    """A sequence (t, N) as torch takes it, (1, N, t), with `fill` around; None where no window fits."""
    ticks = -(-len(x) // stride) if padding == "same" else (len(x) - size) // stride + 1
    before = max(size - stride, 0) // 2 if padding == "same" else 0
    if ticks < 1:
        return None
    return F.pad(x.t().unsqueeze(0), (before, (ticks - 1) * stride + size - before - len(x)), value=fill)


def agree(ours: Any, windows: Windows, theirs: Any) -> None:
    """Values and gradients are torch's on each sequence alone; what no window fits has no tick, and padding changes nothing."""
    sequences = [one.requires_grad_() for one in ragged(LENGTHS, 4)]
    y = ours(padded(sequences, 12, torch.nan), lengths=torch.tensor(LENGTHS))
    lengths = ticks_along(windows.along("text"), torch.tensor(LENGTHS)).tolist()
    expected = [theirs(one) for one in sequences]
    parts = [y[:length, row] for row, length in enumerate(lengths)]
    told = [(part, other, one) for part, other, one in zip(parts, expected, sequences, strict=True) if other is not None]

    assert y.isfinite().all()
    assert len(y) == windows.ticks(12)
    assert [length for length, other in zip(lengths, expected, strict=True) if other is None] == [0] * (len(parts) - len(told))
    leaves = [*(one for _, _, one in told), *ours.parameters()]
    mine, others = [part for part, _, _ in told], [other for _, other, _ in told]
    torch.testing.assert_close(mine, others)
    weights = [torch.randn_like(part) for part in mine]
    torch.testing.assert_close(torch.autograd.grad(mine, leaves, weights), torch.autograd.grad(others, leaves, weights))


@each
@pytest.mark.parametrize("dilation", [1, 2])
def test_a_convolution_in_strides_is_torchs(place: dict[str, Any], dilation: int) -> None:
    stride, kernel, padding = place["stride"], place["size"], place["padding"]
    config = {"type": "conv_time", "filters": 3, "kernel": kernel, "stride": stride, "dilation": dilation, "padding": padding}
    ours, reach = module(4, **config), (kernel - 1) * dilation

    def theirs(one: Tensor) -> Tensor | None:
        row = around(one, reach + 1, stride, padding, 0)
        if row is None:
            return None
        y: Tensor = F.conv1d(row, ours.weight, ours.bias, stride, dilation=dilation)[0].t()
        return y

    agree(ours, Windows(reach + 1, stride, padding), theirs)


@each
@pytest.mark.parametrize("method", ["mean", "max", "sum"])
def test_a_pool_over_windows_is_torchs(place: dict[str, Any], method: str) -> None:
    size, stride, padding = place["size"], place["stride"], place["padding"]

    def theirs(one: Tensor) -> Tensor | None:
        row = around(one, size, stride, padding, float("-inf") if method == "max" else 0)
        if row is None:
            return None
        if method == "max":
            return F.max_pool1d(row, size, stride)[0].t()
        total = size * F.avg_pool1d(row, size, stride)
        real = around(torch.ones_like(one), size, stride, padding, 0)
        assert real is not None
        y: Tensor = total if method == "sum" else total / (size * F.avg_pool1d(real, size, stride))
        return y[0].t()

    agree(module(4, type="pool_time", method=method, **place), Windows(size, stride, padding), theirs)


@each
def test_sequences_of_one_length_need_no_lengths(place: dict[str, Any]) -> None:
    x = padded(ragged([6, 6], 4), 6)
    for method in ("mean", "max", "sum"):
        ours = module(4, type="pool_time", method=method, **place)
        torch.testing.assert_close(ours(x), ours(x, lengths=torch.tensor([6, 6])))


@pytest.mark.parametrize(
    ("config", "axis", "ticks"),
    [
        ({"type": "conv_time", "filters": 2, "stride": 2}, "text/2", 4),
        ({"type": "conv_time", "filters": 2, "padding": "valid"}, "text-2", 5),
        ({"type": "conv_time", "filters": 2, "padding": "valid", "dilation": 2, "stride": 3}, "text-4/3", 1),
        ({"type": "conv_time", "filters": 2, "kernel": 1, "padding": "valid"}, "text", 7),
        ({"type": "pool_time", "size": 2}, "text-1/2", 3),
        ({"type": "pool_time", "size": 2, "padding": "same"}, "text/2", 4),
        ({"type": "pool_time", "size": 3, "stride": 1, "padding": "same"}, "text", 7),
    ],
)
def test_other_ticks_lie_along_an_axis_that_says_how_it_is_made(config: dict[str, Any], axis: str, ticks: int) -> None:
    assert node(**config).shape(sequence(4, ticks=7)).time == axis
    assert node(**config).shape(sequence(4, ticks=7)).ticks == ticks
    assert node(**config).shape(sequence(4)).ticks is None


PADDINGS: list[Around] = ["valid", "same"]
some_windows = st.lists(st.builds(Windows, st.integers(1, 4), st.integers(1, 3), st.sampled_from(PADDINGS)), max_size=4)


@given(some_windows, st.lists(st.integers(0, 30), min_size=1, max_size=5))
def test_an_axis_has_the_ticks_that_one_window_after_the_other_gives(steps: list[Windows], lengths: list[int]) -> None:
    axis, expected, most = "wave.next", list(lengths), max(lengths)
    for windows in steps:
        size, stride, padding = windows.size, windows.stride, windows.padding
        expected = [-(-n // stride) if padding == "same" else max(0, (n - size) // stride + 1) for n in expected]
        axis, most = windows.along(axis), windows.ticks(most)

    assert origin(axis) == "wave.next"
    assert renamed(axis, {"wave.next": "sea"}) == axis.replace("wave.next", "sea")
    assert [ticks_along(axis, length) for length in lengths] == expected
    assert ticks_along(axis, np.array(lengths)).tolist() == expected
    assert Lengths({"wave.next": torch.tensor(lengths)})[axis].tolist() == expected
    if steps:
        assert most == max(1, *expected, ticks_along(axis, max(lengths)))


def test_half_of_a_half_is_a_quarter() -> None:
    assert Windows(2, 2, "same").along("wave/2") == "wave/4"
    assert Windows(3, 1, "valid").along("wave-2") == "wave-4"
    assert Windows(2, 2, "valid").along("wave/2") == "wave/2-1/2"


def test_an_axis_of_no_field_is_not_made_up() -> None:
    with pytest.raises(KeyError, match="film/2"):
        Lengths({"wave": torch.tensor([2])})["film/2"]


@pytest.mark.parametrize(
    ("config", "field", "message"),
    [
        ({"type": "conv_time", "filters": 2, "padding": "valid", "dilation": 2}, "kernel", "a window is 5 ticks long, but `text` has 4"),
        ({"type": "pool_time", "size": 5}, "size", "a window is 5 ticks long, but `text` has 4"),
        ({"type": "pool_time", "stride": 2}, "stride", "`stride` is about windows, and without `size` the sequence is one"),
        ({"type": "pool_time", "padding": "same"}, "padding", "`padding` is about windows, and without `size` the sequence is one"),
    ],
)
def test_what_no_window_can_be_is_refused(config: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(ShapeError) as error:
        node(**config).shape(Shape((3,), time="text", ticks=4))

    assert (error.value.field, error.value.message) == (field, message)
