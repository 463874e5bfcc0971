"""Weights that are divided among processes: where they can be, and what each process takes then."""

from __future__ import annotations

import pytest

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.memory.needs import needed
from tests.compiler.support import LOSS, headlines, spec

MACHINE = """\
nnrun: 1
name: machine
data: {source: digits, fields: {image: {type: image}, digit: {type: category}}}
nodes:
  visible: {type: binary_units}
  hidden: {type: binary_units, units: 6}
  scores: {type: linear, units: digit}
edges: [image -> visible, visible <-> hidden, hidden -> scores]
train:
  - {learner: contrastive_divergence, nodes: [visible, hidden]FIRST}
  - {loss: {type: cross_entropy, input: scores, target: digit}, nodes: [scores]SECOND}
"""


def test_a_network_is_divided() -> None:
    assert headlines(spec(train=f"{{loss: {LOSS}, parallel: fsdp}}")) == []


def test_what_looks_at_all_gradients_is_not_divided() -> None:
    (headline,) = headlines(spec(train=f"{{loss: {LOSS}, parallel: fsdp, precision: fp16}}"))

    assert headline.startswith("not-supported-yet: `parallel: fsdp` divides the weights, and `precision: fp16` looks at all gradients")


def test_an_energy_network_is_not_divided() -> None:
    (headline,) = headlines(MACHINE.replace("FIRST", "").replace("SECOND", ", parallel: fsdp"))

    assert headline.endswith("and `visible`, `hidden` are an energy network")


def test_its_learner_has_no_use_for_the_key() -> None:
    (headline,) = headlines(MACHINE.replace("FIRST", ", parallel: ddp").replace("SECOND", ""))

    assert headline == "learner-mismatch: the learner `contrastive_divergence` has no use for `parallel`"


@pytest.mark.parametrize("processes", [2, 3])
def test_each_process_takes_its_share(processes: int) -> None:
    plan = check(spec({"hidden": "{type: linear, units: 999}"}, ["image -> flat -> hidden -> scores"])).plan
    assert plan is not None
    whole = needed(plan)
    one = whole.divided(processes)

    for size, share in ((whole.gradients, one.gradients), (whole.optimizer, one.optimizer), (whole.kept, one.kept)):
        assert processes * share - processes < size <= processes * share
    assert (one.weights, one.values, one.data) == (whole.weights, whole.values, whole.data)
