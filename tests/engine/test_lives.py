"""Values are dropped when nobody reads them any more; what is wanted is there at the end, and nothing else is another number."""

import itertools

import numpy as np
import torch

from nnrun.runner.engine.network.lives import way_to
from tests.engine.support import build

FORK = """
nnrun: 1
name: fork
data:
  source: csv
  file: none.csv
  fields:
    x: {type: vector, columns: [a, b, c]}
    digit: {type: category}
  split: {train: 0.5, valid: 0.25, test: 0.25}
nodes:
  stem:  {type: linear, units: 4, activation: relu}
  left:  {type: linear, units: 4, activation: tanh}
  right: {type: linear, units: 4, activation: sigmoid}
  both:  {type: concat}
  scores: {type: linear, units: digit}
edges:
  - x -> stem -> left, right -> both -> scores
  - stem -> scores
train:
  loss: {type: cross_entropy, input: scores, target: digit}
  batch_size: 4
  epochs: 1
"""


def built(text: str):
    rng = np.random.default_rng(0)
    columns = {name: rng.random(16).tolist() for name in "abc"} | {"digit": ["one", "two"] * 8}
    return build(text, columns)


def test_a_value_goes_behind_its_last_reader():
    plan = built(FORK).plan
    spent = {step.name: names for step, names in way_to(plan, ("scores",))}

    assert spent == {"stem": (), "left": (), "right": (), "both": ("left", "right"), "scores": ("stem", "both")}


def test_what_is_wanted_stays_and_is_the_same():
    made = built(FORK)
    batch = made.data.train.batch(made.data.train.rows)
    whole = {op.name: value for op, value in itertools.chain.from_iterable(made.network.each(batch))}
    for wanted in (("scores",), ("left", "scores"), ("stem", "both", "right")):
        found = made.network(batch, wanted)
        assert list(found) == list(wanted)
        assert all(torch.equal(found[name], whole[name]) for name in wanted)


def test_gradients_do_not_know_that_values_went():
    made = built(FORK)
    batch = made.data.train.batch(made.data.train.rows)
    found = []
    for wanted in (("scores",), tuple(op.name for op in made.plan.ops)):
        made.network.zero_grad()
        made.network(batch, wanted)["scores"].square().sum().backward()
        found.append([parameter.grad.clone() for parameter in made.network.parameters()])

    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
