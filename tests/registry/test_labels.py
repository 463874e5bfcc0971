"""Labels of which several may hold together are counted in the training part."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnrun.registry.field import DataError
from tests.engine.support import build

SPEC = """\
nnrun: 1
name: labels
data:
  source: {source: csv, file: data.csv}
  fields: {x: {type: vector, columns: [a, b]}, tags: {type: vector, columns: [hot, dry], missing: skip}}
  split: {train: 0.5, valid: 0.25, test: 0.25}
nodes: {scores: {type: linear, units: tags}}
edges: [x -> scores]
train: {loss: {type: binary_cross_entropy, input: scores, target: tags, positive_weights: balanced}, epochs: 1}
metrics: [f1, {type: f1, of: dry}, {type: recall, of: hot}]
"""


def columns(hot: list[Any], dry: list[Any]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {"a": rng.random(16).tolist(), "b": rng.random(16).tolist(), "hot": hot * 4, "dry": dry * 4}


def test_labels_are_counted_and_judged_by_name() -> None:
    given = columns([1, 0, 0, 0], [1, "", 1, 0])
    built = build(SPEC, given)
    learned = [[given[name][row] for row in built.data.train.rows.tolist()] for name in ("hot", "dry")]
    counts = [[column.count(number) for column in learned] for number in (0, 1)]

    assert built.data.facts["tags"]["labels"] == counts
    assert built.evaluator.losses.parts[0].positive_weights.tolist() == pytest.approx([no / yes for no, yes in zip(*counts, strict=True)])
    assert built.data.valid is not None
    assert {"v/f1", "v/f1_dry", "v/recall_hot"} < {*built.evaluator.evaluate(built.data.valid, "v")}


def test_other_numbers_are_no_labels() -> None:
    with pytest.raises(DataError, match="counts zeros and ones, and the target holds other numbers"):
        build(SPEC, columns([1, 0, 0, 0.5], [1, 0, 1, 0]))
