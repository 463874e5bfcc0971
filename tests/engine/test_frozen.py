"""Frozen means that a node's values are those of inference."""

from __future__ import annotations

import pytest
import torch

from nnrun.runner.engine.training.fit import fit
from nnrun.runner.engine.training.stages import learner_of
from nnrun.runner.smoke import Quiet
from tests.engine.support import CPU, Built, build

NORM = """\
nnrun: 1
name: frozen
data: {source: {source: csv, file: data.csv}, fields: {x: {type: vector, columns: [a, b]}, y: {type: number}}}
nodes:
  body: {type: linear, units: 6, activation: relu}
  norm: {type: batch_norm}
  out: {type: linear, units: 1}
edges: [x -> body -> norm -> out]
train: {loss: {type: mse, input: out, target: y}, optimizer: {type: sgd, lr: 0.01}, batch_size: 4, epochs: 3}
"""
CELL = """\
nnrun: 1
name: frozen
data: {source: {source: csv, file: data.csv}, fields: {s: {type: text, tokens: words}, y: {type: number}}}
nodes:
  embed: {type: embedding, units: 4}
  memory: {type: CELL}
  end: {type: last}
  out: {type: linear, units: 1}
edges: [s -> embed -> memory -> end -> out]
train: {loss: {type: mse, input: out, target: y}, epochs: 2, batch_size: 4}
"""
NUMBERS = {"a": [float(row % 5) for row in range(40)], "b": [row / 9 for row in range(40)], "y": [row % 3 / 2 for row in range(40)]}
WORDS = {"s": ["one two three four", "two", "three one", "four four one"] * 10, "y": [0.1, 0.9, 0.4, 0.6] * 10}

WAYS = {
    "freeze": ["nodes.body.freeze=true", "nodes.norm.freeze=true"],
    "nodes": ["train.nodes=[out]"],
}


def trained(built: Built) -> None:
    with learner_of(built.network, built.plan, built.data, CPU) as learner:
        fit(learner, Quiet(), 1)


@pytest.mark.parametrize("way", list(WAYS))
def test_a_frozen_body_is_bit_for_bit_what_it_was(way: str) -> None:
    built = build(NORM, NUMBERS, *WAYS[way])
    built.network.runs["norm"].running_mean.fill_(0.25)  # type: ignore[operator, union-attr]
    before = {name: tensor.clone() for name, tensor in built.network.state_dict().items()}

    trained(built)

    changed = [name for name, tensor in built.network.state_dict().items() if not torch.equal(tensor, before[name])]
    assert {name.partition(".")[0] for name in changed} == {"out"}


def test_a_frozen_node_uses_no_statistics_of_the_batch() -> None:
    built = build(NORM, NUMBERS, *WAYS["freeze"])
    batch = built.data.train.batch(built.data.train.rows[:3])

    learning, answering = (built.network.train(mode)(batch, ("norm",))["norm"] for mode in (True, False))

    assert torch.equal(learning, answering)


@pytest.mark.parametrize("cell", ["lstm, units: 5, layers: 2, dropout: 0.5", "gru, units: 5, recurrent_dropout: 0.5"])
@pytest.mark.parametrize("compile", ["auto", "off"])
def test_dropout_of_a_frozen_node_is_off(cell: str, compile: str) -> None:
    text = CELL.replace("CELL", cell)
    for frozen in (True, False):
        built = build(text, WORDS, f"nodes.memory.freeze={str(frozen).lower()}", f"train.compile={compile}")
        batch = built.data.train.batch(built.data.train.rows[:8])
        first, second = (built.network.train()(batch, ("end",))["end"] for _ in range(2))

        assert torch.equal(first, second) is frozen


def test_a_dropout_node_outside_of_what_is_trained_still_drops() -> None:
    text = NORM.replace("norm: {type: batch_norm}", "norm: {type: dropout, rate: 0.5}")
    built = build(text, NUMBERS, "train.nodes=[out]")
    batch = built.data.train.batch(built.data.train.rows[:8])
    with learner_of(built.network, built.plan, built.data, CPU):
        first, second = (built.network.train()(batch, ("norm",))["norm"] for _ in range(2))

        assert not torch.equal(first, second)


def test_a_stage_gives_back_what_it_froze() -> None:
    built = build(NORM, NUMBERS, "train.nodes=[out]")
    with learner_of(built.network, built.plan, built.data, CPU):
        assert built.network.frozen == {"body", "norm"}

    assert built.network.frozen == set()


def test_the_owner_of_shared_weights_decides() -> None:
    text = NORM.replace("  out:", "  again: {type: linear, units: 6, activation: relu, share: body}\n  out:")
    built = build(text.replace("norm -> out", "norm -> out, x -> again -> out"), NUMBERS, "train.nodes=[body, norm, out]")
    with learner_of(built.network, built.plan, built.data, CPU):
        assert built.network.frozen == set()
