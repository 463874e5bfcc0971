"""Numbers that are none: found before they reach the weights, and blamed on the node where they began."""

from __future__ import annotations

import math

import pytest
import torch

from nnrun.runner.engine.training.diverged import Diverged
from tests.engine.support import Built, build, train
from tests.engine.test_training import points_judged

SPEC = """\
nnrun: 1
name: slopes
data:
  source: {{source: csv, file: data.csv}}
  fields:
    x: {{type: vector, columns: [a, b]}}
    y: {{type: number}}
  split: {{valid: 0.2, test: 0}}
nodes:
  hidden: {{type: linear, units: 2, init: zeros}}
  {nodes}
  out: {{type: linear, units: 1}}
edges: {edges}
train: {{loss: {{type: mse, input: out, target: y}}, optimizer: {{type: sgd, lr: 0.1}}, epochs: 2, batch_size: 8}}
"""


def table() -> dict[str, list[float]]:
    return {"a": [0.1 * row for row in range(40)], "b": [1.0] * 40, "y": [float(row % 3) for row in range(40)]}


def slopes(nodes: str, edges: str, *settings: str) -> Built:
    return build(SPEC.format(nodes=nodes, edges=edges), table(), *settings)


def ended(built: Built) -> Diverged:
    with pytest.raises(Diverged) as caught:
        train(built)
    return caught.value


ROOT = "root: {type: formula, is: sqrt(hidden)}"
"""Zeros have the root 0: its value is a number, its slope is not."""

TANGLED = "root: {type: formula, is: sqrt(hidden)}\n  beside: {type: linear, units: 2}\n  both: {type: concat}"


@pytest.mark.parametrize(
    ("nodes", "edges"),
    [
        (ROOT, "[x -> hidden, root -> out]"),
        (TANGLED, "[x -> hidden, hidden -> beside, beside -> both, root -> both, both -> out]"),
        ("root: {type: formula, is: sqrt(hidden * hidden)}", "[x -> hidden, root -> out]"),
    ],
)
def test_a_slope_that_is_no_number_is_blamed_on_the_node_that_has_it(nodes: str, edges: str) -> None:
    error = ended(slopes(nodes, edges))

    assert error.op is not None
    assert (error.op.name, error.path, error.step) == ("root", ("nodes", "root"), 1)
    assert error.help is not None
    assert "sqrt(x + 1e-6)" in error.help


def test_a_gradient_that_is_no_number_never_reaches_the_weights() -> None:
    built = slopes(ROOT, "[x -> hidden, root -> out]")
    before = {name: weight.clone() for name, weight in built.network.state_dict().items()}

    ended(built)

    assert all(torch.equal(weight, before[name]) for name, weight in built.network.state_dict().items())


def test_a_weight_that_nothing_else_stands_behind_is_blamed_by_its_own_gradient() -> None:
    table_ = table() | {"a": [3e38 * (row % 2) for row in range(40)]}  # values stay finite, as the weights are 0
    built = build(SPEC.format(nodes="more: {type: linear, units: 1}", edges="[x -> hidden -> more -> out]"), table_)
    with torch.no_grad():
        for name in ("more", "out"):
            for weight in built.network.runs[name].parameters():
                weight.fill_(4.0)

    error = ended(built)

    assert error.op is not None
    assert error.op.name == "hidden"
    assert "gradient at step 1" in error.message


LOOP = """\
nnrun: 1
name: loop
data:
  source: {source: csv, file: data.csv}
  fields: {x: {type: series}}
  window: {length: 6}
  split: {valid: 0, test: 0}
nodes:
  i: {type: linear, units: 2, init: zeros}
  s: {type: formula, is: sqrt(abs(i))}
  h: {type: formula, is: 0.5 * prev(h) + s}
  out: {type: linear, units: 1}
edges: ["x, prev(h) -> i", h -> out]
train: {loss: {type: mse, input: out, target: x}, epochs: 1}
"""


@pytest.mark.parametrize("setting", ["train.compile=auto", "train.compile=off"])
def test_a_node_within_a_loop_is_named_however_the_loop_runs(setting: str) -> None:
    error = ended(build(LOOP, {"x": [1.0 + number % 3 for number in range(60)]}, setting))

    assert error.op is not None
    assert error.op.name == "s"


DROPPED = """\
nnrun: 1
name: dropped
data:
  source: {source: csv, file: data.csv}
  fields:
    x: {type: vector, columns: [a, b]}
    y: {type: number}
  split: {valid: 0, test: 0}
nodes:
  drop: {type: dropout, rate: 0.3}
  hidden: {type: linear, units: 1, bias: false}
  root: {type: formula, is: sqrt(abs(hidden))}
  out: {type: linear, units: 1}
edges: [x -> drop -> hidden, root -> out]
train: {loss: {type: mse, input: out, target: y}, epochs: 200, batch_size: 2, seed: 8}
"""


def test_the_step_is_taken_again_with_the_same_random_numbers() -> None:
    # only where chance drops both inputs of an example is the root one of 0: with other masks nobody would be blamed
    columns = {name: [float(1 + (row + shift) % 5) for row in range(4)] for shift, name in enumerate(("a", "b", "y"))}
    built = build(DROPPED, columns)
    error = ended(built)

    assert error.op is not None
    assert error.op.name == "root"
    assert error.step > 1


def test_a_gradient_that_only_sixteen_bits_cannot_hold_is_skipped_and_not_the_end() -> None:
    built = slopes("more: {type: linear, units: 2}", "[x -> hidden -> more -> out]", "train.precision=fp16")

    outcome, watcher = train(built)

    assert outcome.steps == 8
    assert watcher.warnings == []


def test_sixteen_bits_that_find_no_scale_at_all_are_the_end() -> None:
    error = ended(slopes(ROOT, "[x -> hidden, root -> out]", "train.precision=fp16", "train.epochs=40"))

    assert error.op is not None
    assert error.op.name == "root"


@pytest.mark.parametrize("figure", [math.nan, 0.5])
def test_patience_takes_a_figure_that_is_no_number_for_no_gain(figure: float) -> None:
    best = points_judged((figure, 1.0), (math.nan, 1.0), (math.nan, 1.0))

    assert best.is_late


def test_a_metric_that_is_no_number_is_said_with_what_is_kept_instead() -> None:
    columns = table() | {"y": [2.0] * 40}  # nothing to correlate with
    built = build(
        SPEC.format(nodes="more: {type: linear, units: 1}", edges="[x -> hidden -> more -> out]") + "metrics: [pearson]\n", columns
    )

    _, watcher = train(built)

    assert watcher.warnings == ["`train/pearson`, `valid/pearson` are no numbers; the weights that are kept are those of the lowest loss"]
