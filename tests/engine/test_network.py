"""A plan as a torch module: names, ticks, padding, shared weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nnrun.runner.engine.data.batch import Batch
from tests.engine.support import Built, build

TEXT = """\
nnrun: 1
name: text
data:
  source: csv
  file: text.csv
  fields:
    text: {{type: text}}
    label: {{type: category, classes: [bad, good]}}
  split: {{train: 0.5, valid: 0.25, test: 0.25}}
nodes:
  embed: {{type: embedding, units: 6}}
  {nodes}
  scores: {{type: linear, units: label}}
edges:
  - text -> embed
  {edges}
train:
  loss: {{type: cross_entropy, input: scores, target: label}}
metrics: [accuracy]
"""

BODIES = {
    "lstm": (["a: {type: lstm, units: 5}", "b: {type: last}"], ["embed -> a -> b -> scores"]),
    "bidirectional gru": (["a: {type: gru, units: 5, bidirectional: true}", "b: {type: last}"], ["embed -> a -> b -> scores"]),
    "peephole": (["a: {type: lstm, units: 5, peephole: true, activation: softsign}", "b: {type: last}"], ["embed -> a -> b -> scores"]),
    "loop": (["a: {type: linear, units: 5, activation: tanh}", "b: {type: last}"], ["'embed, prev(a) -> a'", "a -> b -> scores"]),
    "mean": (["a: {type: linear, units: 5, activation: tanh}", "b: {type: pool_time, method: mean}"], ["embed -> a -> b -> scores"]),
    "max": (["a: {type: linear, units: 5}", "b: {type: pool_time, method: max}"], ["embed -> a -> b -> scores"]),
    "batch_norm": (["a: {type: batch_norm}", "b: {type: pool_time, method: max}"], ["embed -> a -> b -> scores"]),
    "window": (
        ["a: {type: window, length: 3}", "c: {type: flatten}", "b: {type: pool_time, method: max}"],
        ["embed -> a -> c -> b -> scores"],
    ),
    "convolution": (
        ["a: {type: conv_time, filters: 5}", "b: {type: pool_time, method: max}"],
        ["embed -> a -> b -> scores"],
    ),
    "strides": (
        ["a: {type: conv_time, filters: 5, stride: 2}", "c: {type: batch_norm}", "d: {type: lstm, units: 4}", "b: {type: last}"],
        ["embed -> a -> c -> d -> b -> scores"],
    ),
    "windows of ticks": (
        ["a: {type: pool_time, size: 2, padding: same}", "c: {type: linear, units: 5, activation: tanh}", "b: {type: pool_time}"],
        ["'embed -> a'", "'a, prev(c) -> c'", "c -> b -> scores"],
    ),
    "none fits": (
        ["a: {type: conv_time, filters: 5, padding: valid}", "c: {type: pool_time, method: max, size: 2}", "b: {type: last}"],
        ["embed -> a -> c -> b -> scores"],
    ),
    "causal convolution": (["a: {type: causal_conv, filters: 5}", "b: {type: last}"], ["embed -> a -> b -> scores"]),
    "self-attention": (
        ["a: {type: attention, method: multi_head, heads: 2, causal: true}", "b: {type: last}"],
        ["embed -> a.query", "embed -> a.memory", "a -> b -> scores"],
    ),
    "position": (["a: {type: position}", "b: {type: last}"], ["embed -> a -> b -> scores"]),
    "late": (["a: {type: add}", "b: {type: pool_time, method: mean}"], ["'embed, prev(embed, 2) -> a'", "a -> b -> scores"]),
    "attention": (
        ["a: {type: attention, method: dot}", "b: {type: last}"],
        ["embed -> b", "b -> a.query", "embed -> a.memory", "a -> scores"],
    ),
}


def texts(body: str) -> Built:
    return sentences(*BODIES[body])


def sentences(nodes: list[str], edges: list[str]) -> Built:
    words = ["good film", "bad", "a very good film indeed", "bad film", "good", "so so bad a film", "good good", "bad bad bad"]
    text = TEXT.format(nodes="\n  ".join(nodes), edges="\n  ".join(f"- {edge}" for edge in edges))
    return build(text, {"text": words, "label": ["good" if "good" in one else "bad" for one in words]})


@pytest.mark.parametrize("between", ["", "drop: {type: dropout, rate: 0.5}", "squash: {type: activation, function: tanh}"])
def test_last_of_a_bidirectional_cell_is_the_final_state_of_each_direction(between: str) -> None:
    nodes = ["a: {type: gru, units: 5, bidirectional: true}", *([between] if between else []), "b: {type: last}", "c: {type: flatten}"]
    way = f"a -> {between.partition(':')[0]} -> b" if between else "a -> b"
    built = sentences(nodes, ["embed -> a", way, "a.state -> c", "b -> scores", "c -> scores"])
    network, batch = built.network.eval(), built.data.train.batch(built.data.train.rows)

    values = network(batch, ("b", "c"))

    assert batch.real("text") is not None  # sentences of different length
    torch.testing.assert_close(values["b"], values["c"].tanh() if "tanh" in between else values["c"])


def padded(batch: Batch, more: int) -> Batch:
    """The same examples with more ticks of padding, filled with a symbol that means something."""
    text = batch.values["text"]
    return Batch({**batch.values, "text": torch.cat([text, text.new_full((more, text.shape[1]), 4)])}, batch.lengths, batch.count)


def gradients(built: Built, batch: Batch) -> tuple[Tensor, list[Tensor]]:
    built.network.zero_grad()
    losses = built.evaluator.losses
    loss = losses.total(losses.means(losses.sums(built.network(batch, losses.wanted), batch)))
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach(), [parameter.grad.clone() for parameter in built.network.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("body", list(BODIES))
@settings(max_examples=5, deadline=None)
@given(more=st.integers(1, 7), alone=st.booleans())
def test_padding_changes_no_loss_and_no_gradient(body: str, more: int, alone: bool) -> None:
    built = texts(body)
    batch = built.data.train.batch(built.data.train.rows[:1] if alone else built.data.train.rows)
    assert (batch.real("text") is None) == alone  # then no mask is needed

    loss, grads = gradients(built, batch)
    again, more_grads = gradients(built, padded(batch, more))

    torch.testing.assert_close(again, loss)
    for one, other in zip(grads, more_grads, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["type", "forward", "keys", "training", "parameters", "loops", "late", "memory", "images", "plan", "machines"]
)
def test_a_node_may_have_any_name(name: str) -> None:
    text = TEXT.format(nodes=f"{name}: {{type: last}}", edges=f"- embed -> {name} -> scores")
    columns: dict[str, Any] = {"text": ["a b", "b", "c", "d a"], "label": ["good", "bad", "good", "bad"]}
    built = build(text, columns)

    assert built.network(built.data.train.batch(built.data.train.rows), ("scores",))["scores"].shape == (len(built.data.train), 2)


def test_a_delayed_edge_reads_zeros_first_and_then_the_tick_before() -> None:
    text = TEXT.format(nodes="late: {type: formula, is: prev(embed)}\n  final: {type: last}", edges="- late -> final -> scores")
    built = build(text, {"text": ["a b c", "b c a", "c a b", "a c b"], "label": ["good", "bad", "good", "bad"]})
    values = built.network(built.data.train.batch(built.data.train.rows), ("embed", "late"))

    assert not values["late"][0].any()
    assert torch.equal(values["late"][1:], values["embed"][:-1])


def test_shared_weights_are_one_tensor() -> None:
    nodes = "one: {type: linear, units: 6}\n  two: {type: linear, units: 6, share: one}\n  final: {type: last}"
    text = TEXT.format(nodes=nodes, edges="- embed -> one -> two -> final -> scores")
    built = build(text, {"text": ["a b", "b", "c", "d a"], "label": ["good", "bad", "good", "bad"]})

    assert built.network.runs["two"] is built.network.runs["one"]
    assert built.plan.size == sum(parameter.numel() for parameter in built.network.parameters())
