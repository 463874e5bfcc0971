"""Recurrent cells: equal to torch's, to the equations in numpy, and blind to padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.func import functional_call
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

from nnrun.registry.modules.cells import Cell
from nnrun.registry.modules.stack import Stack
from tests.registry.cells import LOOPED, TORCHS, cells, plain, stacks
from tests.registry.sequences import fresh, module, padded, ragged

LENGTHS = [5, 2, 6, 1]


def looped(stack: Stack) -> Stack:
    for cell in stack.cells:
        cell.fused = False
    return stack


def torchs_weights(stack: Stack) -> dict[str, Tensor]:
    """Our weights under torch's names: z of a GRU negated, the second bias zero."""
    weights = {}
    for name, cell in stack.named_children():
        if isinstance(cell, Cell):
            sign = torch.tensor([1.0, -1, 1] if cell.gates == 3 else [1.0] * cell.gates).repeat_interleave(stack.units).double()
            layer, _, reverse = name.removeprefix("layer").partition("_")
            suffix = f"l{int(layer) - 1}{'_' + reverse if reverse else ''}"
            weights[f"weight_ih_{suffix}"] = cell.input * sign[:, None]
            weights[f"weight_hh_{suffix}"] = cell.recurrent * sign[:, None]
            weights[f"bias_ih_{suffix}"] = cell.bias * sign
            weights[f"bias_hh_{suffix}"] = torch.zeros_like(sign)
    return weights


@pytest.mark.parametrize("way", ["kernel", "loop"])
@pytest.mark.parametrize("name", TORCHS)
@stacks
def test_cell_agrees_with_torch_on_packed_sequences(name: str, stack: dict[str, Any], way: str) -> None:
    config, theirs, options = TORCHS[name]
    ours = module(**config, **stack)
    reference = theirs(3, 4, stack["layers"], bidirectional=stack["bidirectional"], **options).double()
    sequences = ragged(LENGTHS)
    start = torch.randn(4, ours(padded(sequences, 6))[1].shape[1], 4, dtype=torch.float64)

    y, state = (looped(ours) if way == "loop" else ours)(padded(sequences, 8, torch.nan), lengths=torch.tensor(LENGTHS), initial=start)
    first = start.transpose(0, 1).contiguous()
    begin = tuple(first.chunk(2)) if name == "lstm" else first
    packed, end = functional_call(reference, torchs_weights(ours), (pack_sequence(sequences, enforce_sorted=False), begin))
    expected, _ = pad_packed_sequence(packed, total_length=8)
    expected_state = (torch.cat(end) if name == "lstm" else end).transpose(0, 1)

    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(state, expected_state)
    mine = torch.autograd.grad((y**2).sum() + (state**3).sum(), list(ours.parameters()))
    torchs = torch.autograd.grad((expected**2).sum() + (expected_state**3).sum(), list(ours.parameters()))
    torch.testing.assert_close(mine, torchs)


@cells
def test_cell_agrees_with_its_equations(config: dict[str, Any]) -> None:
    ours = module(**config).eval()
    sequences = ragged(LENGTHS)
    start = torch.randn(4, ours(padded(sequences, 6))[1].shape[1], 4, dtype=torch.float64)
    y, state = ours(padded(sequences, 6), lengths=torch.tensor(LENGTHS), initial=start)

    for row, x in enumerate(sequences):
        activation = config.get("activation", "tanh")
        expected, c = plain(
            ours.layer1, x.numpy(), start[row, 0].numpy(), start[row, -1].numpy(), activation=activation, reset=config.get("reset", "after")
        )
        np.testing.assert_allclose(y[: len(x), row].detach(), expected, atol=1e-12)
        np.testing.assert_allclose(state[row, 0].detach(), expected[-1], atol=1e-12)
        if config["type"] == "lstm":
            np.testing.assert_allclose(state[row, 1].detach(), c, atol=1e-12)


@pytest.mark.parametrize("config", [config for config in LOOPED if "recurrent_dropout" in config], ids=lambda config: config["type"])
def test_recurrent_dropout_hides_the_same_units_at_every_tick(config: dict[str, Any]) -> None:
    ours, (x,) = module(**config), ragged([6])
    zeros = np.zeros(4)
    torch.manual_seed(5)
    y, _ = ours(padded([x], 6))
    torch.manual_seed(5)
    kept = F.dropout(torch.ones(1, 4, dtype=torch.float64), 0.4)[0].numpy()

    expected, _ = plain(
        ours.layer1, x.numpy(), zeros, zeros, activation=config.get("activation", "tanh"), reset=config.get("reset", "after"), kept=kept
    )

    assert {0.0, 1 / 0.6} == set(kept)
    np.testing.assert_allclose(y[:, 0].detach(), expected, atol=1e-12)


def test_dropout_acts_between_layers_only() -> None:
    ours, x = fresh(1000, type="rnn", units=1000, layers=2, dropout=0.5, activation="identity"), torch.ones(2, 3, 1000)
    for cell in (ours.layer1, ours.layer2):  # each repeats what it reads
        cell.input.data, cell.recurrent.data = torch.eye(1000), torch.zeros(1000, 1000)

    dropped, _ = ours(x)

    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert 0.45 < (dropped == 0).float().mean() < 0.55
    assert torch.equal(ours.eval()(x)[0], x)


@cells
def test_gradients_agree_with_finite_differences(config: dict[str, Any]) -> None:
    ours = module(**config | {"units": 2}, layers=2, bidirectional=True).eval()
    names, weights = zip(*ours.named_parameters(), strict=True)
    x = padded(ragged([3, 1]), 4).requires_grad_()
    start = torch.randn(2, *ours(x)[1].shape[1:], dtype=torch.float64, requires_grad=True)

    def run(x: Tensor, start: Tensor, *values: Tensor) -> Any:
        return functional_call(ours, dict(zip(names, values, strict=True)), (x,), {"lengths": torch.tensor([3, 1]), "initial": start})

    assert torch.autograd.gradcheck(run, (x, start, *weights))


@given(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4), more=st.integers(0, 3), fill=st.sampled_from([torch.nan, torch.inf, 1e30])
)
@settings(deadline=None, max_examples=15)
@cells
def test_padding_changes_nothing(config: dict[str, Any], lengths: list[int], more: int, fill: float) -> None:
    ticks = max(*lengths, 1)
    ours = module(**config, layers=2, bidirectional=True).eval()
    results = []
    for total, value in [(ticks, 0.0), (ticks + more, fill)]:
        x = padded(ragged(lengths), total, value).requires_grad_()
        y, state = ours(x, lengths=torch.tensor(lengths))
        gradients = torch.autograd.grad((y**2).sum() + (state**2).sum(), [x, *ours.parameters()])
        results.append((y[:ticks], state, gradients[0][:ticks], *gradients[1:]))
        assert (y[ticks:] == 0).all()
        assert (gradients[0][ticks:] == 0).all()

    torch.testing.assert_close(results[0], results[1])


@cells
def test_sequence_cut_in_two_gives_the_same(config: dict[str, Any]) -> None:
    ours = module(**config, layers=2).eval()
    x = padded(ragged([7, 7]), 7)
    whole, end = ours(x)
    first, state = ours(x[:3])
    second, cut_end = ours(x[3:], initial=state)

    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(cut_end, end)


@cells
def test_sequence_without_ticks_keeps_its_state(config: dict[str, Any]) -> None:
    ours = module(**config, bidirectional=True)
    x = padded(ragged([3, 0]), 3)
    start = torch.randn(2, *ours(x)[1].shape[1:], dtype=torch.float64)

    _, state = ours(x, lengths=torch.tensor([3, 0]), initial=start)

    torch.testing.assert_close(state[1], start[1])


def test_flat_initial_is_h_of_every_layer() -> None:
    ours = module(type="lstm", units=4, layers=2)
    x, h = padded(ragged([3]), 3), torch.randn(1, 4, dtype=torch.float64)
    state = torch.stack([h, h, 0 * h, 0 * h], dim=1)

    torch.testing.assert_close(ours(x, initial=h), ours(x, initial=state))


@cells
def test_half_precision_stays_close(config: dict[str, Any]) -> None:
    ours = module(**config, layers=2).float().eval()
    x = padded(ragged(LENGTHS), 6).float()
    exact, _ = ours(x, lengths=torch.tensor(LENGTHS))
    with torch.autocast("cpu", torch.bfloat16):
        y, _ = ours(x.bfloat16(), lengths=torch.tensor(LENGTHS))

    torch.testing.assert_close(y.float(), exact, atol=0.05, rtol=0.05)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", TORCHS)
def test_cudnn_agrees_with_the_loop(name: str) -> None:
    ours = module(**TORCHS[name][0], layers=2, bidirectional=True).cuda()
    x, lengths = padded(ragged(LENGTHS), 8, torch.nan).cuda(), torch.tensor(LENGTHS).cuda()
    y, state = ours(x, lengths=lengths)

    torch.testing.assert_close((y, state), looped(ours)(x, lengths=lengths))
