"""Nodes along time: against numpy and pandas, and blind to padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from nnrun.registry.modules.padding import flip
from nnrun.registry.shape import InputError, Shape
from tests.registry.sequences import module, node, padded, ragged, sequence

REDUCERS: list[dict[str, Any]] = [{"type": "last"}, *({"type": "pool_time", "method": method} for method in ("mean", "max", "sum"))]
MEMORIES: list[dict[str, Any]] = [
    {"type": "window", "length": 2},
    {"type": "window", "length": 4},
    {"type": "ewma", "decay": 0.7},
    {"type": "ewma", "decay": 0.9, "learned": True},
]
LENGTHS = [5, 2, 6, 1]


def name(config: dict[str, Any]) -> str:
    return " ".join(str(value) for value in config.values())


reducers = pytest.mark.parametrize("config", REDUCERS, ids=name)
memories = pytest.mark.parametrize("config", MEMORIES, ids=name)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (REDUCERS[0], lambda x: x[-1]),
        (REDUCERS[1], lambda x: x.mean(0)),
        (REDUCERS[2], lambda x: x.max(0)),
        (REDUCERS[3], lambda x: x.sum(0)),
    ],
    ids=map(name, REDUCERS),
)
@pytest.mark.parametrize("lengths", [LENGTHS, None])
def test_reducer_agrees_with_numpy(config: dict[str, Any], expected: Any, lengths: list[int] | None) -> None:
    sequences = ragged(lengths or [6] * 4)
    y = module(**config)(padded(sequences, 6, torch.nan), lengths=None if lengths is None else torch.tensor(lengths))

    np.testing.assert_allclose(y, np.stack([expected(one.numpy()) for one in sequences]))


@reducers
def test_sequence_without_ticks_reduces_to_zeros(config: dict[str, Any]) -> None:
    assert module(**config)(torch.full((3, 1, 2), torch.nan), lengths=torch.tensor([0])).tolist() == [[0, 0]]


@pytest.mark.parametrize("axes", [(), (3,), (1, 4, 5)])
@reducers
def test_reducer_keeps_the_axes_of_a_tick(config: dict[str, Any], axes: tuple[int, ...]) -> None:
    y = node(**config).build(sequence(*axes))(torch.randn(4, 2, *axes), lengths=torch.tensor([4, 2]))

    assert node(**config).shape(sequence(*axes, ticks=4)) == Shape(tuple(y.shape[1:]))


def test_last_keeps_symbols() -> None:
    words = Shape((), "token", 9, time="text")
    y = node(type="last").build(words)(torch.tensor([[1, 2], [3, 0]]), lengths=torch.tensor([2, 1]))

    assert node(type="last").shape(words) == Shape((), "token", 9)
    assert y.tolist() == [3, 2]
    assert y.dtype == torch.int64


def test_window_holds_the_last_ticks_oldest_first() -> None:
    y, state = node(type="window", length=3).build(sequence())(
        torch.tensor([[1.0, 5], [2, 6], [3, 0], [4, 0]]), lengths=torch.tensor([4, 2])
    )

    assert y[:, 0].tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]]
    assert y[:2, 1].tolist() == [[0, 0, 5], [0, 5, 6]]
    assert state.tolist() == [[3, 4], [5, 6]]


@pytest.mark.parametrize("ticks", [1, 2, 3, 8, 37])
@pytest.mark.parametrize("config", MEMORIES[2:], ids=name)
def test_ewma_agrees_with_pandas(config: dict[str, Any], ticks: int) -> None:
    (x,) = ragged([ticks])
    y, state = node(**config).build(sequence(3)).double()(x.unsqueeze(1))
    expected = pd.DataFrame(x.numpy()).ewm(alpha=1 - config["decay"], adjust=False).mean()

    np.testing.assert_allclose(y[:, 0].detach(), expected, atol=1e-6)
    np.testing.assert_allclose(state[0].detach(), expected.iloc[-1], atol=1e-6)


def test_learned_decay_is_one_number_a_feature() -> None:
    ours = module(2, type="ewma", decay=0.5, learned=True)
    x = torch.randn(6, 1, 2, dtype=torch.float64)
    with torch.no_grad():
        ours.logit.copy_(torch.logit(torch.tensor([0.2, 0.8])))
    y, _ = ours(x)

    for feature, decay in enumerate([0.2, 0.8]):
        alone, _ = node(type="ewma", decay=decay).build(sequence())(x[..., feature])
        torch.testing.assert_close(y[..., feature], alone, atol=1e-6, rtol=1e-6)


@reducers
def test_gradient_of_a_reducer_agrees_with_finite_differences(config: dict[str, Any]) -> None:
    x = padded(ragged([3, 1]), 4).requires_grad_()

    assert torch.autograd.gradcheck(lambda x: module(**config)(x, lengths=torch.tensor([3, 1])), (x,))


@memories
def test_gradient_of_a_memory_agrees_with_finite_differences(config: dict[str, Any]) -> None:
    x = padded(ragged([3, 1]), 4).requires_grad_()
    ours = module(**config)
    start = torch.randn_like(ours(x)[1]).requires_grad_()

    def run(x: Tensor, start: Tensor, *_: Tensor) -> Any:
        y, state = ours(x, lengths=torch.tensor([3, 1]), initial=start)
        return y, state

    assert torch.autograd.gradcheck(run, (x, start, *ours.parameters()))


@given(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4), more=st.integers(0, 3), fill=st.sampled_from([torch.nan, torch.inf, -1e30])
)
@settings(deadline=None, max_examples=25)
@pytest.mark.parametrize("config", REDUCERS + MEMORIES, ids=name)
def test_padding_changes_nothing(config: dict[str, Any], lengths: list[int], more: int, fill: float) -> None:
    ticks = max(*lengths, 1)
    ours = module(**config)
    results = []
    for total, value in [(ticks, 0.0), (ticks + more, fill)]:
        x = padded(ragged(lengths), total, value).requires_grad_()
        outputs = real_parts(ours, x, lengths)
        gradients = torch.autograd.grad(torch.stack([(part**2).sum() for part in outputs]).sum(), [x, *ours.parameters()])
        results.append((*outputs, gradients[0][:ticks], *gradients[1:]))
        assert (gradients[0][ticks:] == 0).all()

    torch.testing.assert_close(results[0], results[1])


def real_parts(ours: nn.Module, x: Tensor, lengths: list[int]) -> list[Tensor]:
    """What a node says of real ticks: a reduced value, or all real ticks and the state."""
    result = ours(x, lengths=torch.tensor(lengths))
    if isinstance(result, Tensor):
        return [result]
    y, state = result
    return [*(y[:length, row] for row, length in enumerate(lengths)), state]


@memories
def test_sequence_cut_in_two_gives_the_same(config: dict[str, Any]) -> None:
    ours, x = module(**config), padded(ragged([7, 7]), 7)
    whole, end = ours(x)
    first, state = ours(x[:3])
    second, cut_end = ours(x[3:], initial=state)

    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(cut_end, end)


@memories
def test_sequence_without_ticks_keeps_its_state(config: dict[str, Any]) -> None:
    ours, x = module(**config), padded(ragged([3, 0]), 3)
    start = torch.randn_like(ours(x)[1])

    _, state = ours(x, lengths=torch.tensor([3, 0]), initial=start)

    torch.testing.assert_close(state[1], start[1])


@memories
def test_shape_rule_agrees_with_torch(config: dict[str, Any]) -> None:
    one, x = node(**config), sequence(3, ticks=5)
    ours = one.build(x)
    y, state = ours(torch.zeros(5, 2, 3))

    assert one.shape(x) == Shape(tuple(y.shape[2:]), time="text", ticks=5)
    assert one.output_shape("state", x) == Shape(tuple(state.shape[1:]))
    assert one.parameters(x) == {name: tuple(weight.shape) for name, weight in ours.named_parameters()}


def test_repeat_gives_a_value_the_ticks_of_another() -> None:
    repeat, along = node(type="repeat"), Shape((), "token", 9, time="caption")
    y = repeat.build(Shape((3,)), along=along)(torch.arange(6.0).view(2, 3), along=torch.zeros(4, 2, dtype=torch.int64))

    assert repeat.shape(Shape((3,)), along=along) == Shape((3,), time="caption")
    assert y.shape == (4, 2, 3)
    assert (y == torch.arange(6.0).view(2, 3)).all()


def test_flip_reverses_within_the_length() -> None:
    x = torch.tensor([[1, 1, 1], [2, 2, 2], [3, 3, 3]])

    assert flip(x, torch.tensor([3, 2, 0])).tolist() == [[3, 2, 1], [2, 1, 2], [1, 3, 3]]
    assert flip(x, None).tolist() == [[3, 3, 3], [2, 2, 2], [1, 1, 1]]


@pytest.mark.parametrize("config", REDUCERS + MEMORIES, ids=name)
def test_node_along_time_refuses_a_value_without_time(config: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="time axis"):
        node(**config).shape(Shape((3,)))


@pytest.mark.parametrize("config", [*REDUCERS[1:], *MEMORIES], ids=name)
def test_arithmetic_over_time_refuses_symbols(config: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        node(**config).shape(Shape((), "token", 9, time="text"))
    assert "embedding" in str(refused.value.help)


@pytest.mark.parametrize(
    ("config", "wanted"), [(MEMORIES[1], "takes the 3 ticks before the first"), (MEMORIES[2], "takes .N=3., the average")]
)
def test_memory_refuses_another_initial(config: dict[str, Any], wanted: str) -> None:
    for initial in (Shape((2, 3)), Shape((4,)), Shape((3,), "token", 9)):
        with pytest.raises(InputError, match=wanted) as refused:
            node(**config).shape(sequence(3), initial=initial)
        assert refused.value.port == "initial"


def test_repeat_refuses_a_sequence() -> None:
    with pytest.raises(InputError, match="without a time axis"):
        node(type="repeat").shape(sequence(3), along=sequence(3))


def test_repeat_refuses_to_go_along_what_has_no_time() -> None:
    with pytest.raises(InputError, match="with a time axis") as refused:
        node(type="repeat").shape(Shape((3,)), along=Shape((3,)))
    assert refused.value.port == "along"
