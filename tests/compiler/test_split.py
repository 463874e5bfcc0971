"""How the data is divided, as the spec says it."""

from __future__ import annotations

from nnrun.registry.sources.csv import Csv
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.resolved import resolved_text

FILES = """\
nnrun: 1
name: files
data:
  source: csv
  fields: {x: {type: number}, y: {type: number}}
  split: {train: a.csv, test: b.csv, valid: 0.2}
nodes: {answer: {type: linear, units: 1}}
edges: [x -> answer]
train: {loss: {type: mse, input: answer, target: y}}
"""


def test_parts_may_be_files_of_their_own() -> None:
    plan = check(FILES).plan
    assert plan is not None
    assert plan.spec.data is not None
    assert isinstance(plan.spec.data.source, Csv)

    assert plan.spec.data.source.files is not None
    assert (plan.spec.data.source.files.train, plan.spec.data.source.files.test) == ("a.csv", "b.csv")
    assert plan.spec.data.split.valid == 0.2


def test_the_resolved_spec_gives_the_same_plan() -> None:
    plan = check(FILES).plan
    assert plan is not None

    assert str(check(resolved_text(plan)).plan) == str(plan)


def test_a_split_into_more_than_all_is_refused() -> None:
    (finding,) = check(
        FILES.replace("train: a.csv, test: b.csv, valid: 0.2", "train: 0.8, valid: 0.3").replace("csv\n", "csv\n  file: a.csv\n")
    ).report

    assert finding.headline == "`split` takes shares of `train`, `valid` and `test` that add up to 1 at most, got 1.2"
