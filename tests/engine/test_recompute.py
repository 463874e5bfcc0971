"""A node that is computed once more on the way back holds less, and changes nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.memory.needs import needed
from tests.engine.support import Built, build, train

TEXTS = """\
nnrun: 1
name: texts
data: {source: {source: csv, file: data.csv}, fields: {s: {type: text, tokens: words}, y: {type: number}}}
nodes:
  embed: {type: embedding, units: 16}
  act: {type: activation, function: tanh}
  node: {NODE}
  end: {type: pool_time, method: mean}
  out: {type: linear, units: 1}
edges: [EDGES, node -> end -> out]
train: {loss: {type: mse, input: out, target: y}, optimizer: {type: sgd, lr: 0.1}, batch_size: 8, epochs: 3}
"""
IMAGES = """\
nnrun: 1
name: images
data: {source: {source: csv, file: data.csv}, fields: {x: {type: image, size: 8, channels: 1}, y: {type: number}}}
nodes:
  node: {NODE}
  pool: {type: global_pool, method: mean}
  out: {type: linear, units: 1}
edges: [x -> node -> pool -> out]
train: {loss: {type: mse, input: out, target: y}, optimizer: {type: sgd, lr: 0.1}, batch_size: 8, epochs: 3, accumulate: 2}
"""
READS = {"one": "s -> embed -> act -> node", "memory": "s -> embed -> act -> node.memory, act -> node.query"}
WORDS = {"s": ["one two three four one two", "two", "three one", "four four one three two"] * 10, "y": [0.1, 0.9, 0.4, 0.6] * 10}
PIXELS = {"x": [[[float((row * place) % 7) for place in range(8)]] * 8 for row in range(40)], "y": [row % 3 / 2 for row in range(40)]}
NODES: Mapping[str, tuple[str, str]] = {
    "lstm": ("one", "type: lstm, units: 8, layers: 2, dropout: 0.3, recurrent_dropout: 0.2"),
    "gru both ways": ("one", "type: gru, units: 8, bidirectional: true"),
    "peephole": ("one", "type: lstm, units: 8, peephole: true"),
    "dropout": ("one", "type: dropout, rate: 0.5"),
    "additive": ("memory", "type: attention, method: additive, dropout: 0.3"),
    "multi_head": ("memory", "type: attention, method: multi_head, units: 16, heads: 2, dropout: 0.3"),
    "inception": (
        "image",
        "type: inception, towers: [[{type: conv, filters: 4, kernel: 3, padding: same}, {type: batch_norm}, {type: dropout, rate: 0.3}]]",
    ),
}


def built(name: str, *settings: str) -> Built:
    reads, node = NODES[name]
    if reads == "image":
        return build(IMAGES.replace("NODE", node), PIXELS, *settings)
    return build(TEXTS.replace("NODE", node).replace("EDGES", READS[reads]), WORDS, *settings)


def held(one: Built) -> int:
    """Bytes that are saved for the backward pass of a batch beside the weights."""
    saved: dict[int, int] = {}
    weights = {weight.untyped_storage().data_ptr() for weight in one.network.parameters()}

    def keep(tensor: Tensor) -> Tensor:
        if (place := tensor.untyped_storage().data_ptr()) not in weights:
            saved[place] = tensor.untyped_storage().nbytes()
        return tensor

    batch, network = one.data.train.batch(one.data.train.rows[:8]), one.network.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(batch, ("out",))
    return sum(saved.values())


@pytest.mark.parametrize("compile", ["auto", "off"])
@pytest.mark.parametrize("name", list(NODES))
def test_weights_are_the_same_to_the_bit(name: str, compile: str) -> None:
    plain, again = (built(name, f"train.compile={compile}", *more) for more in ((), ("nodes.node.recompute=true",)))
    (_, said), (_, told) = train(plain), train(again)

    assert [figures.get("train/loss") for _, figures in said.said] == [figures.get("train/loss") for _, figures in told.said]
    for (key, weight), other in zip(plain.network.state_dict().items(), again.network.state_dict().values(), strict=True):
        assert torch.equal(weight, other), key


@pytest.mark.parametrize("name", list(NODES))
def test_less_is_held_for_the_way_back(name: str) -> None:
    plain, again = built(name), built(name, "nodes.node.recompute=true")

    assert held(again) < held(plain)


def test_what_is_held_is_planned() -> None:
    two = TEXTS.replace("  end:", "  next: {type: lstm, units: 8}\n  end:").replace("node -> end", "node -> next -> end")
    two = two.replace("NODE", NODES["lstm"][1]).replace("EDGES", READS["one"])

    def values(*names: str) -> int:
        plan = check(two, settings=[f"nodes.{name}.recompute=true" for name in names]).plan
        assert plan is not None
        return needed(plan, ticks={"s": 10}).values

    assert values("node") == values()  # all that it needs is there while it is computed again
    assert values() - values("node", "next") == 4 * 4 * 8 * 10 * (4 + 2) * 8  # the gates and the state of `next`


def test_answers_are_computed_once() -> None:
    again = built("lstm", "nodes.node.recompute=true")
    batch = again.data.train.batch(again.data.train.rows[:8])
    with torch.no_grad():
        assert not again.network.train()(batch, ("out",))["out"].requires_grad


LOOP = """\
nnrun: 1
name: loop
data: {source: {source: csv, file: data.csv}, fields: {s: {type: text, tokens: words}, y: {type: number}}}
nodes:
  embed: {type: embedding, units: 4}
  h: {type: linear, units: 4}
  drop: {type: dropout, recompute: true}
  end: {type: last}
  out: {type: linear, units: 1}
edges: [embed -> h, prev(drop) -> h, s -> embed, h -> drop -> end -> out]
train: {loss: {type: mse, input: out, target: y}}
"""


def test_a_loop_holds_what_it_needs() -> None:
    report = check(LOOP).report

    assert report.ids == ["not-supported-yet"]
    assert "`drop` stands in a loop" in report[0].headline


MACHINE = """\
nnrun: 1
name: machine
data: {source: {source: bars_and_stripes, side: 3}, fields: {image: {type: image}}}
nodes:
  drop: {type: dropout, recompute: true}
  visible: {type: binary_units}
  hidden: {type: binary_units, units: 6}
edges: [image -> drop -> visible, visible <-> hidden]
train: {learner: contrastive_divergence}
"""


def test_it_is_about_gradients() -> None:
    report = check(MACHINE).report

    assert report.ids == ["learner-mismatch"]
    assert "`contrastive_divergence` computes none that pass `drop`" in report[0].headline
