"""What the loop of a training asks of every learner: from a state that was taken, it goes on to the bit."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from itertools import islice
from typing import Any

import pytest
import torch

from nnrun.runner.compiler.check import check
from nnrun.runner.engine.data.dataset import prepare
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.learner import Learner
from nnrun.runner.engine.training.stages import learner_of
from tests.engine.support import CPU

DROPOUT = """\
nnrun: 1
name: dropout
data: {source: {source: csv, file: data.csv}, fields: {x: {type: number}, y: {type: number}}}
nodes:
  hidden: {type: linear, units: 8, activation: tanh}
  drop: {type: dropout, rate: 0.5}
  out: {type: linear, units: 1}
edges: [x -> hidden -> drop -> out]
train: {loss: {type: mse, input: out, target: y}, optimizer: {type: adam, lr: 0.01}, batch_size: 8, epochs: 9, clip_norm: 1.0}
metrics: [mae]
"""
STREAM = """\
nnrun: 1
name: stream
data:
  source: {source: csv, file: data.csv}
  fields: {x: {type: series}}
  window: {length: 4, stride: 4}
nodes:
  memory: {type: lstm, units: 5}
  out: {type: linear, units: 1}
edges: [x -> memory -> out]
train:
  loss: {type: mse, input: out, target: x}
  optimizer: {type: rmsprop, lr: 0.01}
  batch_size: 3
  epochs: 9
  carry_state: true
  shuffle: false
"""
MACHINE = """\
nnrun: 1
name: machine
data: {source: {source: bars_and_stripes, side: 3}, fields: {image: {type: image}}}
nodes:
  visible: {type: binary_units}
  hidden: {type: binary_units, units: 6}
edges: [image -> visible, visible <-> hidden]
train:
  learner: {type: contrastive_divergence, steps: 1, chains: 6, OPTIONS}
  optimizer: {type: OPTIMIZER, lr: 0.05}
  batch_size: 5
  epochs: 9
"""
POINTS = {"x": [number / 40 for number in range(80)], "y": [number % 7 / 7 for number in range(80)]}
SERIES = {"x": [(number % 11) / 11 for number in range(300)]}


def machine(options: str, optimizer: str = "sgd") -> tuple[str, Mapping[str, Any]]:
    from nnrun.registry.sources.patterns import BarsAndStripes

    columns = BarsAndStripes(source="bars_and_stripes", side=3).table()
    return MACHINE.replace("OPTIONS", options).replace("OPTIMIZER", optimizer), columns


LEARNERS = {
    "dropout": (DROPOUT, POINTS),
    "carried state": (STREAM, SERIES),
    "restricted": machine("persistent: true"),
    "restricted, with moments and centred": machine("persistent: true, centred: true", "adam"),
    "tempered": machine("persistent: true, tempering: 3"),
    "general": (machine("persistent: true")[0].replace("visible <-> hidden]", "visible <-> hidden, hidden <-> hidden]"), machine("")[1]),
}


def begun(text: str, columns: Mapping[str, Any]) -> tuple[Network, Any]:
    """An untrained network and what makes its learner."""
    first = check(text)
    assert first.plan is not None, [finding.headline for finding in first.report]
    assert first.plan.spec.data is not None
    data = prepare(first.plan.spec.data, first.plan.fields, {"all": columns}, first.plan.targets)
    plan = check(text, facts=data.facts).plan
    assert plan is not None
    torch.manual_seed(0)
    network = Network(plan)
    return network, learner_of(network, plan, data, CPU, betas=10)


def steps(learner: Learner[Any], epoch: int, first: int) -> None:
    for number, batch in enumerate(islice(learner.batches(epoch), 4), first):
        learner.step(number, batch, due=True)


@pytest.mark.parametrize("kind", list(LEARNERS))
def test_a_learner_goes_on_from_its_state_to_the_bit(kind: str) -> None:
    network, making = begun(*LEARNERS[kind])
    with making as learner:
        steps(learner, 1, 1)
        learner.judge(4)
        weights, state = deepcopy((dict(network.state_dict()), learner.state()))
        steps(learner, 2, 5)
        expected = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert any(not torch.equal(weights[name], expected[name]) for name in weights)

    again, making = begun(*LEARNERS[kind])
    with making as learner:
        again.load_state_dict(weights)
        learner.take(state)
        steps(learner, 2, 5)

    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    assert learner.examples == state["examples"] * 2


@pytest.mark.parametrize("split", ["", "  split: {valid: 0, test: 0}\n"], ids=["a validation part", "no validation part"])
def test_a_judgement_leaves_what_is_carried_alone(split: str) -> None:
    network, making = begun(STREAM.replace("nodes:\n", split + "nodes:\n"), SERIES)
    with making as learner:
        steps(learner, 1, 1)
        assert network.memory is not None
        carried = deepcopy(network.memory.state())
        learner.judge(4)
        after = network.memory.state()
    assert carried
    assert carried.keys() == after.keys()
    assert all(torch.equal(after[name], carried[name]) for name in carried)
