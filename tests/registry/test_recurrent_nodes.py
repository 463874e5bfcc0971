"""Recurrent cells as nodes: shapes, where weights start, what is refused."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch

from nnrun.registry.shape import InputError, Shape, ShapeError
from tests.registry.cells import CELLS, LOOPED, STACKS, cells
from tests.registry.sequences import fresh, module, node, sequence


@cells
def test_cell_runs_on_torchs_kernel_where_torch_has_it(config: dict[str, Any]) -> None:
    assert module(**config).layer1.fused == (config not in LOOPED)


@pytest.mark.parametrize(("kind", "gates"), [("rnn", 1), ("lstm", 4), ("gru", 3)])
def test_each_gate_starts_xavier(kind: str, gates: int) -> None:
    cell = fresh(50, type=kind, units=100).layer1

    for weight, bound in [(cell.input, (6 / 150) ** 0.5), (cell.recurrent, (6 / 200) ** 0.5)]:
        for gate in weight.chunk(gates):
            assert 0.98 * bound < gate.abs().max() <= bound


def test_forget_bias_is_where_f_starts() -> None:
    cell = fresh(3, type="lstm", units=3, forget_bias=2.5).layer1

    assert cell.bias.tolist() == [0, 0, 0, 2.5, 2.5, 2.5, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("config", "stack"), list(product(CELLS, STACKS)))
def test_shape_rule_agrees_with_torch(config: dict[str, Any], stack: dict[str, Any]) -> None:
    cell, x = node(**config, **stack), sequence(3, ticks=5)
    y, state = cell.build(x)(torch.zeros(5, 2, 3))

    assert cell.shape(x) == Shape(tuple(y.shape[2:]), time="text", ticks=5)
    assert cell.output_shape("state", x) == Shape(tuple(state.shape[1:]))
    assert cell.parameters(x) == {name: tuple(weight.shape) for name, weight in cell.build(x).named_parameters()}


def test_one_number_at_each_tick_is_one_feature() -> None:
    ours = node(type="gru", units=4).build(sequence())
    x = torch.randn(5, 2)

    torch.testing.assert_close(ours(x)[0], ours(x.unsqueeze(-1))[0])


@pytest.mark.parametrize(
    ("x", "wanted"), [(Shape((3,)), "time axis"), (sequence(1, 8, 8), "flat"), (Shape((), "token", 9, time="text"), "flat")]
)
def test_cell_refuses_what_is_no_sequence_of_features(x: Shape, wanted: str) -> None:
    with pytest.raises(InputError, match=wanted) as refused:
        node(type="lstm", units=4).shape(x)
    assert refused.value.help


@pytest.mark.parametrize(
    ("config", "initial"),
    [({"type": "lstm"}, (1, 4)), ({"type": "gru"}, (2, 4)), ({"type": "gru", "layers": 2}, (5,)), ({"type": "rnn"}, ())],
)
def test_cell_refuses_an_initial_state_of_another_size(config: dict[str, Any], initial: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"takes a state of .* of 4 units") as refused:
        node(units=4, **config).shape(sequence(3), initial=Shape(initial))
    assert refused.value.port == "initial"


def test_dropout_of_a_single_layer_is_refused() -> None:
    with pytest.raises(ShapeError, match="between layers") as refused:
        node(type="gru", units=4, dropout=0.2).shape(sequence(3))
    assert refused.value.field == "dropout"
