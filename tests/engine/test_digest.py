"""The digest of the data tells whether two runs learned from the same."""

from __future__ import annotations

from pathlib import Path

from nnrun.runner.compiler.check import check
from nnrun.runner.engine.data.columns import load_columns
from nnrun.runner.engine.data.dataset import prepare
from nnrun.runner.engine.data.digest import digest

SPEC = """
nnrun: 1
name: tides
data:
  source: csv
  file: tides.csv
  split: {train: 0.5, valid: 0.25, test: 0.25, seed: 0}
  fields: {height: {type: number}, port: {type: category}}
nodes: {scores: {type: linear, units: port}}
edges: [height -> scores]
train: {loss: {type: cross_entropy, input: scores, target: port}}
"""


def digest_of(folder: Path, rows: list[str], *settings: str) -> str:
    (folder / "tides.csv").write_text("\n".join(["height,port", *rows]) + "\n")
    plan = check(SPEC, settings=settings).plan
    assert plan is not None
    assert plan.spec.data is not None
    parts = load_columns(plan.spec.data, plan.fields, folder)
    return digest(prepare(plan.spec.data, plan.fields, parts, plan.targets, folder))


def test_the_digest_is_that_of_examples_and_parts(tmp_path: Path) -> None:
    rows = [f"{number},{'ab'[number % 2]}" for number in range(16)]
    first = digest_of(tmp_path, rows)

    assert digest_of(tmp_path, rows) == first
    assert digest_of(tmp_path, [*rows[:-1], "99,b"]) != first
    assert digest_of(tmp_path, [*rows[:-1], "15,c"]) != first
    assert digest_of(tmp_path, [rows[2], rows[1], rows[0], *rows[3:]]) != first
    assert digest_of(tmp_path, rows, "data.split.seed=1") != first
    assert digest_of(tmp_path, rows, "train.seed=1") == first
