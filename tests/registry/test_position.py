"""Positions: against the equations, and blind to padding."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from nnrun.registry.fault import Fault
from nnrun.registry.shape import InputError, Shape, ShapeError
from tests.registry.sequences import module, node, padded, ragged, sequence

LENGTHS = [5, 1, 4, 0]
METHODS: list[dict[str, Any]] = [{"method": "sinusoid"}, {"method": "learned", "length": 7}]

methods = pytest.mark.parametrize("config", METHODS, ids=lambda config: config["method"])


@pytest.mark.parametrize("features", [1, 2, 5, 8])
def test_sinusoids_are_those_of_the_paper(features: int) -> None:
    y, _ = node(type="position").build(sequence(features))(torch.zeros(40, 1, features))

    for p in range(40):
        for feature in range(features):
            angle = p / 10000 ** ((feature - feature % 2) / features)
            assert float(y[p, 0, feature]) == pytest.approx(math.cos(angle) if feature % 2 else math.sin(angle), abs=1e-6)


def test_learned_vectors_are_the_rows_of_a_table() -> None:
    ours, (x,) = module(type="position", method="learned", length=7), ragged([5])
    y, _ = ours(x.unsqueeze(1))

    torch.testing.assert_close(y[:, 0], x + ours.weight[:5])


@methods
def test_padding_changes_nothing(config: dict[str, Any]) -> None:
    ours, results = module(type="position", **config), []
    for ticks, fill in ((5, 0.0), (9, torch.nan)):  # more ticks than there are positions, but none is real
        x = padded(ragged(LENGTHS), ticks, fill).requires_grad_()
        y, state = ours(x, lengths=torch.tensor(LENGTHS))
        parts = [y[:length, row] for row, length in enumerate(LENGTHS)]
        gradients = torch.autograd.grad(torch.stack([(part**2).sum() for part in parts]).sum(), [x, *ours.parameters()])
        results.append((*parts, state, gradients[0][:5], *gradients[1:]))

    torch.testing.assert_close(results[0], results[1])
    assert results[0][len(LENGTHS)].tolist() == LENGTHS


@methods
def test_positions_go_on_from_piece_to_piece(config: dict[str, Any]) -> None:
    ours, x, lengths = module(type="position", **config), padded(ragged(LENGTHS), 6), torch.tensor(LENGTHS)
    whole, end = ours(x, lengths=lengths)
    first, state = ours(x[:2], lengths=lengths.clamp(max=2))
    second, cut_end = ours(x[2:], lengths=(lengths - 2).clamp(min=0), initial=state)

    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(torch.cat([first, second])[:length, row], whole[:length, row])
    assert torch.equal(cut_end, end)


def test_positions_are_counted_beyond_what_16_bits_hold() -> None:
    y, state = node(type="position").build(sequence(4))(torch.zeros(300, 1, 4, dtype=torch.bfloat16))

    assert state.tolist() == [300]
    assert y.dtype == torch.bfloat16


@pytest.mark.parametrize("initial", [None, torch.tensor([4.0])])
def test_a_sequence_longer_than_the_table_says_so(initial: Tensor | None) -> None:
    x = torch.zeros(8 if initial is None else 4, 1, 3, dtype=torch.float64)

    with pytest.raises(Fault, match="a sequence has 8 ticks") as refused:
        module(type="position", method="learned", length=7)(x, initial=initial)
    assert "`length: 8`" in str(refused.value.help)


@pytest.mark.parametrize(
    ("config", "ticks", "field"),
    [
        ({"length": 5}, None, "length"),
        ({"freeze": True}, None, "freeze"),
        ({"method": "learned"}, None, "method"),
        ({"method": "learned", "length": 5}, 6, "length"),
    ],
)
def test_options_that_do_not_go_together_are_refused(config: dict[str, Any], ticks: int | None, field: str) -> None:
    with pytest.raises(ShapeError) as refused:
        node(type="position", **config).shape(sequence(3, ticks=ticks))
    assert refused.value.field == field
    assert refused.value.help


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [(Shape((3,)), "time axis"), (sequence(), "flat"), (sequence(1, 2, 2), "flat"), (Shape((), "token", 9, time="text"), "flat")],
)
def test_other_inputs_are_refused(shape: Shape, wanted: str) -> None:
    with pytest.raises(InputError, match=wanted) as refused:
        node(type="position").shape(shape)
    assert refused.value.help


def test_ticks_of_one_number_tell_how_many_vectors_are_learned() -> None:
    assert node(type="position", method="learned").parameters(sequence(3, ticks=6)) == {"weight": (6, 3)}
