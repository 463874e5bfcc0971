"""Attention: against torch's own, and against the equations."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call

from nnrun.registry.node import Node
from nnrun.registry.shape import InputError, Shape, ShapeError, known
from tests.registry.sequences import node, padded, ragged, shaken

QUERY, MEMORY, ALIKE = Shape((4,), time="french"), Shape((6,), time="english"), Shape((4,), time="english")
METHODS: list[tuple[dict[str, Any], Shape]] = [
    ({}, MEMORY),
    ({"units": 5}, MEMORY),
    ({"method": "dot"}, ALIKE),
    ({"method": "multi_head", "heads": 2}, MEMORY),
    ({"method": "multi_head", "heads": 3, "units": 9}, MEMORY),
]
LENGTHS, QUERIES = [5, 2, 3], [4, 1, 3]

methods = pytest.mark.parametrize(
    ("config", "memory"), METHODS, ids=lambda value: "" if isinstance(value, Shape) else " ".join(map(str, value.values()))
)


def attention(**config: Any) -> Node:
    return node(type="attention", **config)


def module(config: dict[str, Any], memory: Shape, query: Shape = QUERY) -> Any:
    torch.manual_seed(0)
    return shaken(attention(**config).build(query=query, memory=memory))


def batch(features: int, lengths: list[int] = LENGTHS, fill: float = torch.nan, more: int = 0) -> dict[str, Tensor]:
    return {
        "query": padded(ragged(QUERIES, 4, seed=1), max(QUERIES), 0.0),
        "memory": padded(ragged(lengths, features, seed=2), max(*lengths, 1) + more, fill),
        "lengths": torch.tensor(QUERIES),
        "memory_lengths": torch.tensor(lengths),
    }


def test_dot_agrees_with_torchs_scaled_dot_product() -> None:
    y = module({"method": "dot"}, ALIKE)(**batch(4))

    for row, (query, memory) in enumerate(zip(ragged(QUERIES, 4, seed=1), ragged(LENGTHS, 4, seed=2), strict=True)):
        torch.testing.assert_close(y[: len(query), row], F.scaled_dot_product_attention(query, memory, memory))


def test_multi_head_agrees_with_torchs_module() -> None:
    ours, inputs = module({"method": "multi_head", "heads": 3, "units": 9}, MEMORY), batch(6, fill=0.0)
    theirs = nn.MultiheadAttention(9, 3, kdim=6, vdim=6).double()
    # torch's query has the width of the projections, so ours is projected before, and torch's own projection does nothing.
    weights = {
        "q_proj_weight": torch.eye(9, dtype=torch.float64),
        "k_proj_weight": ours.key.weight,
        "v_proj_weight": ours.value.weight,
        "in_proj_bias": torch.cat([torch.zeros(9), ours.key.bias, ours.value.bias]),
        "out_proj.weight": ours.output.weight,
        "out_proj.bias": ours.output.bias,
    }
    padding = torch.arange(5) >= inputs["memory_lengths"].unsqueeze(1)
    memory = inputs["memory"]
    expected, _ = functional_call(theirs, weights, (ours.query(inputs["query"]), memory, memory), {"key_padding_mask": padding})

    torch.testing.assert_close(ours(**inputs), expected)


def test_additive_agrees_with_its_equations() -> None:
    ours = module({"units": 5}, MEMORY)
    y = ours(**batch(6))

    for row, (queries, memory) in enumerate(zip(ragged(QUERIES, 4, seed=1), ragged(LENGTHS, 6, seed=2), strict=True)):
        for tick, query in enumerate(queries):
            scores = [
                ours.score.weight[0] @ torch.tanh(ours.query.weight @ query + ours.memory.weight @ m + ours.memory.bias) for m in memory
            ]
            weights = torch.stack(scores).exp() / torch.stack(scores).exp().sum()
            torch.testing.assert_close(y[tick, row], sum((a * m for a, m in zip(weights, memory, strict=True)), torch.zeros(6)))


@methods
def test_query_without_time_is_looked_up_once(config: dict[str, Any], memory: Shape) -> None:
    inputs = batch(known(memory.axes[0]))
    del inputs["lengths"]
    y = module(config, memory)(**inputs)

    once = module(config, memory, QUERY.tick)(**inputs | {"query": inputs["query"][0]})

    torch.testing.assert_close(once, y[0])


@methods
@pytest.mark.parametrize("ticks", [4, None])
def test_shape_rule_agrees_with_torch(config: dict[str, Any], memory: Shape, ticks: int | None) -> None:
    one = attention(**config)
    query = QUERY.along("french" if ticks else None, ticks)
    ours = one.build(query=query, memory=memory)
    y = ours(query=torch.zeros(*([ticks] if ticks else []), 3, 4), memory=torch.zeros(5, 3, *map(known, memory.axes)))

    assert one.shape(query=query, memory=memory) == Shape((y.shape[-1],)).along(query.time, ticks)
    assert one.parameters(query=query, memory=memory) == {name: tuple(weight.shape) for name, weight in ours.named_parameters()}


@methods
def test_rows_are_places_like_ticks(config: dict[str, Any], memory: Shape) -> None:
    x, inputs = torch.randn(5, 3, *map(known, memory.axes), dtype=torch.float64), {"query": batch(4)["query"]}
    rows = module(config, Shape((5, *memory.axes)))(**inputs, memory=x.transpose(0, 1))

    torch.testing.assert_close(rows, module(config, memory)(**inputs, memory=x))


@methods
def test_pixels_are_places_and_channels_features(config: dict[str, Any], memory: Shape) -> None:
    image, query = torch.randn(3, *map(known, memory.axes), 2, 3, dtype=torch.float64), batch(4)["query"]
    pixels = torch.stack([image[:, :, i, j] for i in range(2) for j in range(3)])

    y = module(config, Shape((*memory.axes, 2, 3)))(query=query, memory=image)

    torch.testing.assert_close(y, module(config, memory)(query=query, memory=pixels))


SELF: list[dict[str, Any]] = [config | {"causal": True} for config, _ in METHODS]
selves = pytest.mark.parametrize("config", SELF, ids=lambda config: " ".join(map(str, config.values())))


def looks_itself_up(config: dict[str, Any], x: Tensor, lengths: list[int] | None = None) -> Tensor:
    """What a sequence (T, B, 4) finds in itself."""
    real = None if lengths is None else torch.tensor(lengths)
    y: Tensor = module(config, QUERY)(query=x, memory=x, lengths=real, memory_lengths=real)
    return y


@selves
def test_a_tick_sees_what_a_sequence_that_ends_there_sees(config: dict[str, Any]) -> None:
    (x,) = ragged([5], 4)
    y = looks_itself_up(config, x.unsqueeze(1))

    for tick in range(5):
        torch.testing.assert_close(y[tick, 0], looks_itself_up(config | {"causal": False}, x[: tick + 1].unsqueeze(1))[tick, 0])


def test_causal_dot_has_the_values_and_gradients_of_torchs() -> None:
    sequences = [one.requires_grad_() for one in ragged(LENGTHS, 4)]
    y = looks_itself_up({"method": "dot", "causal": True}, padded(sequences, 6, torch.nan), LENGTHS)
    parts = [y[: len(one), row] for row, one in enumerate(sequences)]
    expected = [F.scaled_dot_product_attention(one, one, one, is_causal=True) for one in sequences]
    weights = [torch.randn_like(part) for part in parts]

    torch.testing.assert_close(parts, expected)
    torch.testing.assert_close(torch.autograd.grad(parts, sequences, weights), torch.autograd.grad(expected, sequences, weights))


def test_causal_multi_head_agrees_with_torchs_module() -> None:
    ours, theirs = module({"method": "multi_head", "heads": 2, "causal": True}, QUERY), nn.MultiheadAttention(4, 2).double()
    weights = {
        "in_proj_weight": torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]),
        "in_proj_bias": torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]),
        "out_proj.weight": ours.output.weight,
        "out_proj.bias": ours.output.bias,
    }
    x, lengths = padded(ragged(LENGTHS, 4), 5), torch.tensor(LENGTHS)
    to_come, padding = torch.ones(5, 5, dtype=torch.bool).triu(1), torch.arange(5) >= lengths.unsqueeze(1)
    expected, _ = functional_call(theirs, weights, (x, x, x), {"attn_mask": to_come, "key_padding_mask": padding})
    y = ours(query=x, memory=x, lengths=lengths, memory_lengths=lengths)

    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(y[:length, row], expected[:length, row])


@selves
def test_padding_of_a_sequence_that_looks_itself_up_changes_nothing(config: dict[str, Any]) -> None:
    results = []
    for ticks, fill in ((5, 0.0), (8, torch.nan)):
        x = padded(ragged(LENGTHS, 4), ticks, fill).requires_grad_()
        parts = [looks_itself_up(config, x, LENGTHS)[:length, row] for row, length in enumerate(LENGTHS)]
        (gradient,) = torch.autograd.grad(torch.stack([(part**2).sum() for part in parts]).sum(), x)
        results.append((*parts, gradient[:5]))

    torch.testing.assert_close(results[0], results[1])


@selves
def test_dropout_leaves_what_is_to_come_unseen(config: dict[str, Any]) -> None:
    x = padded(ragged([5], 4), 5).requires_grad_()
    (seen,) = torch.autograd.grad(looks_itself_up(config | {"dropout": 0.3}, x)[2].sum(), x)

    assert (seen[3:] == 0).all()


@pytest.mark.parametrize(("query", "memory"), [(QUERY, MEMORY), (QUERY.tick, QUERY), (QUERY, Shape((3, 4)))], ids=str)
def test_causal_needs_one_time_axis(query: Shape, memory: Shape) -> None:
    with pytest.raises(ShapeError, match="one time axis") as refused:
        attention(causal=True).shape(query=query, memory=memory)
    assert refused.value.field == "causal"


@methods
def test_gradients_agree_with_finite_differences(config: dict[str, Any], memory: Shape) -> None:
    ours, inputs = module(config, memory), batch(known(memory.axes[0]), [2, 0, 1], fill=0.0)
    names, weights = zip(*ours.named_parameters(), strict=True) if list(ours.parameters()) else ((), ())

    def run(query: Tensor, memory: Tensor, *values: Tensor) -> Any:
        return functional_call(ours, dict(zip(names, values, strict=True)), (), inputs | {"query": query, "memory": memory})

    assert torch.autograd.gradcheck(run, (inputs["query"].requires_grad_(), inputs["memory"].requires_grad_(), *weights))


@given(
    lengths=st.lists(st.integers(0, 5), min_size=3, max_size=3), more=st.integers(0, 3), fill=st.sampled_from([torch.nan, torch.inf, 1e30])
)
@settings(deadline=None, max_examples=20)
@methods
def test_padding_changes_nothing(config: dict[str, Any], memory: Shape, lengths: list[int], more: int, fill: float) -> None:
    ours = module(config, memory)
    results = []
    for value, longer in [(0.0, 0), (fill, more)]:
        inputs = batch(known(memory.axes[0]), lengths, value, longer)
        leaves = [inputs["query"].requires_grad_(), inputs["memory"].requires_grad_()]
        inputs["query"] = padded([inputs["query"][:n, row] for row, n in enumerate(QUERIES)], 4 + longer, value)
        y = torch.cat([one[:n] for one, n in zip(ours(**inputs).unbind(1), QUERIES, strict=True)])
        to_query, to_memory, *others = torch.autograd.grad((y**2).sum(), [*leaves, *ours.parameters()])
        results.append((y, to_query, to_memory[: max(*lengths, 1)], *others))
        assert (to_memory[max(*lengths, 1) :] == 0).all()

    torch.testing.assert_close(results[0], results[1])


def test_empty_memory_gives_zeros() -> None:
    for config, memory in METHODS[:3]:
        y = module(config, memory)(**batch(known(memory.axes[0]), [0, 2, 0]))
        assert (y[:, [0, 2]] == 0).all()


@methods
def test_dropout_acts_in_training_only(config: dict[str, Any], memory: Shape) -> None:
    ours, inputs = module(config | {"dropout": 0.5}, memory), batch(known(memory.axes[0]))
    plain = module(config, memory)(**inputs)

    assert not torch.allclose(ours(**inputs), plain)
    torch.testing.assert_close(ours.eval()(**inputs), plain)


@pytest.mark.parametrize(
    ("query", "memory", "port"),
    [
        (Shape((4, 2, 2)), MEMORY, "query"),
        (Shape((), "token", 9, time="french"), MEMORY, "query"),
        (QUERY, Shape((6,)), "memory"),
        (QUERY, Shape((3, 8, 8), time="film"), "memory"),
        (QUERY, Shape((), "token", 9, time="english"), "memory"),
    ],
)
def test_attention_refuses_other_inputs(query: Shape, memory: Shape, port: str) -> None:
    with pytest.raises(InputError) as refused:
        attention().shape(query=query, memory=memory)
    assert refused.value.port == port
    assert refused.value.help


@pytest.mark.parametrize(
    ("config", "option"),
    [
        ({"heads": 2}, "heads"),
        ({"method": "dot", "units": 4}, "units"),
        ({"method": "dot", "freeze": True}, "freeze"),
        ({"method": "dot"}, "method"),
        ({"method": "multi_head", "heads": 3}, "heads"),
    ],
)
def test_options_that_do_not_go_together_are_refused(config: dict[str, Any], option: str) -> None:
    with pytest.raises(ShapeError) as refused:
        attention(**config).shape(query=QUERY, memory=MEMORY)
    assert refused.value.field == option
