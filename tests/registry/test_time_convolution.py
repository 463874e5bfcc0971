"""Convolution along time: against torch's on each sequence alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nnrun.registry.node import Node
from nnrun.registry.shape import InputError, Shape, ShapeError
from tests.registry.sequences import module, node, padded, ragged, sequence

CONFIGS: list[dict[str, Any]] = [
    {"kernel": 3},
    {"kernel": 2},
    {"kernel": 4, "bias": False},
    {"kernel": 3, "dilation": 2, "activation": "relu"},
    {"kernel": 2, "dilation": 3, "groups": 2},
]
TYPES = ["conv_time", "causal_conv"]
LENGTHS = [5, 1, 7, 2, 0]

each = pytest.mark.parametrize("config", CONFIGS, ids=lambda config: " ".join(map(str, config.values())))
types = pytest.mark.parametrize("type", TYPES)


def conv(type: str, **options: Any) -> Node:
    return node(type=type, filters=6, **options)


def built(type: str, config: dict[str, Any], features: int = 4) -> Any:
    return module(features, type=type, filters=6, **config)


def around(type: str, config: dict[str, Any]) -> tuple[int, int]:
    """Ticks that a kernel sees before and after the current one."""
    reach = (config["kernel"] - 1) * config.get("dilation", 1)
    return (reach, 0) if type == "causal_conv" else (reach // 2, (reach + 1) // 2)


def torchs(ours: Any, x: Tensor, pads: tuple[int, int]) -> Tensor:
    """torch's convolution of one sequence (t, N)."""
    row = F.pad(x.t().unsqueeze(0), pads)
    y = F.conv1d(row, ours.weight, ours.bias, dilation=ours.dilation, groups=ours.groups)[0].t()
    return y.relu() if ours.activation == "relu" else y


def value(ours: Any, x: Tensor, lengths: list[int] | None = None) -> Tensor:
    result = ours(x, lengths=None if lengths is None else torch.tensor(lengths))
    return result[0] if isinstance(result, tuple) else result


@each
@types
def test_values_and_gradients_are_those_of_torch_on_each_sequence_alone(type: str, config: dict[str, Any]) -> None:
    ours, sequences = built(type, config), [one.requires_grad_() for one in ragged([5, 1, 7, 2], 4)]
    leaves = [*sequences, *ours.parameters()]
    y = value(ours, padded(sequences, 8, torch.nan), [5, 1, 7, 2])
    parts = [y[: len(one), row] for row, one in enumerate(sequences)]
    expected = [torchs(ours, one, around(type, config)) for one in sequences]
    weights = [torch.randn_like(part) for part in parts]

    torch.testing.assert_close(parts, expected)
    torch.testing.assert_close(torch.autograd.grad(parts, leaves, weights), torch.autograd.grad(expected, leaves, weights))


@each
@types
def test_sequences_of_one_length_need_no_lengths(type: str, config: dict[str, Any]) -> None:
    ours, x = built(type, config), padded(ragged([6, 6], 4), 6)

    torch.testing.assert_close(value(ours, x), value(ours, x, [6, 6]))


@given(more=st.integers(0, 3), fill=st.sampled_from([torch.nan, torch.inf, -1e30]))
@settings(deadline=None, max_examples=10)
@each
@types
def test_padding_changes_nothing(type: str, config: dict[str, Any], more: int, fill: float) -> None:
    ours, results = built(type, config), []
    for ticks, filled in ((7, 0.0), (7 + more, fill)):
        x = padded(ragged(LENGTHS, 4), ticks, filled).requires_grad_()
        result = ours(x, lengths=torch.tensor(LENGTHS))
        y, *state = result if isinstance(result, tuple) else (result,)
        parts = [*(y[:length, row] for row, length in enumerate(LENGTHS)), *state]
        to_x, *others = torch.autograd.grad(torch.stack([(part**2).sum() for part in parts]).sum(), [x, *ours.parameters()])
        results.append((*parts, to_x[:7], *others))
        assert (to_x[7:] == 0).all()

    torch.testing.assert_close(results[0], results[1])


def test_a_tick_of_a_causal_convolution_sees_no_later_one() -> None:
    ours, x = built("causal_conv", {"kernel": 3, "dilation": 2}), padded(ragged([9], 4), 9).requires_grad_()
    (seen,) = torch.autograd.grad(value(ours, x)[6].sum(), x)

    assert seen.abs().sum((1, 2)).nonzero().flatten().tolist() == [2, 4, 6]


@each
def test_a_causal_convolution_of_a_sequence_cut_in_pieces_is_the_same(config: dict[str, Any]) -> None:
    ours, x, lengths = built("causal_conv", config), padded(ragged(LENGTHS, 4), 8, torch.nan), torch.tensor(LENGTHS)
    whole, end = ours(x, lengths=lengths)
    parts, state = [], None
    for start, stop in ((0, 1), (1, 4), (4, 8)):
        y, state = ours(x[start:stop], lengths=(lengths - start).clamp(0, stop - start), initial=state)
        parts.append(y)

    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(torch.cat(parts)[:length, row], whole[:length, row])
    torch.testing.assert_close(state, end)


def test_state_is_the_last_ticks_oldest_first() -> None:
    ours = node(type="causal_conv", filters=2, kernel=3).build(sequence())
    _, state = ours(torch.tensor([[1.0, 5], [2, 6], [3, 0], [4, 0]]), lengths=torch.tensor([4, 1]))

    assert state.tolist() == [[3, 4], [0, 5]]


@types
def test_a_number_at_each_tick_is_one_feature(type: str) -> None:
    ours, (x,) = built(type, {"kernel": 3}, features=1), ragged([6], 1)

    torch.testing.assert_close(value(ours, x), value(ours, x.unsqueeze(1)))
    assert conv(type).shape(sequence(ticks=6)) == Shape((6,), time="text", ticks=6)


@each
@types
def test_gradients_agree_with_finite_differences(type: str, config: dict[str, Any]) -> None:
    ours, x = built(type, config), padded(ragged([4, 2], 4), 4).requires_grad_()

    assert torch.autograd.gradcheck(lambda x, *_: ours(x, lengths=torch.tensor([4, 2])), (x, *ours.parameters()))


@types
@pytest.mark.parametrize(
    ("shape", "wanted"), [(Shape((4,)), "time axis"), (sequence(3, 4, 4), "flat"), (Shape((), "token", 9, "text"), "flat")]
)
def test_other_inputs_are_refused(type: str, shape: Shape, wanted: str) -> None:
    with pytest.raises(InputError, match=wanted) as refused:
        conv(type).shape(shape)
    assert refused.value.help


@types
@pytest.mark.parametrize(("features", "groups", "blamed"), [(4, 3, "4 features that arrive"), (8, 4, "6 filters")])
def test_groups_must_divide_features_and_filters(type: str, features: int, groups: int, blamed: str) -> None:
    with pytest.raises(ShapeError, match=f"`groups` is {groups}, which does not divide the {blamed}") as refused:
        conv(type, groups=groups).shape(sequence(features))
    assert refused.value.field == "groups"


@pytest.mark.parametrize("initial", [Shape((3, 4)), Shape((4, 5)), Shape((4, 4), "token", 9), sequence(4, 4)], ids=str)
def test_a_causal_convolution_refuses_what_is_no_state(initial: Shape) -> None:
    with pytest.raises(InputError) as refused:
        conv("causal_conv", dilation=2).shape(sequence(4), initial=initial)
    assert refused.value.port == "initial"
    assert refused.value.help
