"""The best settings as a spec: the user's own text where that can be done, and always the same run."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.resolved import resolved
from nnrun.runner.experiments.sweep.best_spec import best_spec
from nnrun.runner.job import Job
from tests.compiler.support import spec

TEXT = """\
# What it is.
nnrun: 1
name: test
data: {source: digits, fields: {image: {type: image}, digit: {type: category}}}
nodes:
  flat:   {type: flatten}
  scores: {type: linear, units: digit}   # as many as classes

edges:
  - image -> flat -> scores

# How it learns.
train:
  loss: {type: cross_entropy, input: scores, target: digit}
  optimizer: {type: adam, lr: 2e-3}   # small
  epochs: 3

sweep:
  over:
    train.optimizer.lr: [0.1, 0.2]
    train.epochs: [1, 2]

# What is measured.
metrics: [accuracy]
"""

FLOW = """\
{nnrun: 1, name: test, data: {source: digits, fields: {image: {type: image}, digit: {type: category}}},
 nodes: {flat: {type: flatten}, scores: {type: linear, units: digit}}, edges: [image -> flat -> scores],
 train: {loss: {type: cross_entropy, input: scores, target: digit}}, sweep: {over: {train.epochs: [1, 2]}}}
"""


def test_values_change_where_they_stand_and_all_else_stays(tmp_path: Path) -> None:
    text = best_spec(Job(TEXT), ["train.optimizer.lr=0.2", "train.epochs=1"], tmp_path, "Best of all.")
    sweep = TEXT[TEXT.index("sweep:") : TEXT.index("# What is measured.")]

    assert text == "# Best of all.\n" + TEXT.replace("lr: 2e-3", "lr: 0.2").replace("epochs: 3", "epochs: 1").replace(sweep, "")


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        (TEXT, ["train.batch_size=8"]),  # not written anywhere
        (TEXT, ["train.optimizer={type: sgd, lr: 0.5}"]),
        (TEXT, ["nodes.scores.bias=false", "edges.0=image -> flat -> scores"]),
        (spec(more="sweep: {over: {train.optimizer: [sgd]}}"), ["train.optimizer=sgd"]),
        (FLOW, ["train.epochs=1"]),
    ],
)
def test_the_best_spec_is_right_and_means_the_same(text: str, settings: list[str], tmp_path: Path) -> None:
    best = check(best_spec(Job(text), settings, tmp_path, "Best.")).plan
    meant = check(text, settings=settings).plan
    assert best is not None
    assert meant is not None

    assert best.spec.sweep is None
    assert resolved(best) == resolved(meant)


def test_settings_of_the_command_are_in_it(tmp_path: Path) -> None:
    text = best_spec(Job(TEXT, settings=("train.epochs=7", "sweep.repeat=2")), ["train.optimizer.lr=0.1"], tmp_path, "Best.")

    assert "epochs: 7" in text
    assert "lr: 0.1}" in text


def test_files_of_the_data_are_found_from_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "specs" / "rows.csv").write_text("a,kind\n1,x\n2,y\n")
    data = "{source: csv, file: rows.csv, fields: {a: {type: number}, digit: {type: category, column: kind}}}"
    path = tmp_path / "specs" / "spec.yaml"
    path.write_text(spec({"flat": ""}, ["a -> scores"], data=data, more="sweep: {over: {train.epochs: [1, 2]}}"))
    best = tmp_path / "sweeps" / "best.yaml"
    best.write_text(best_spec(Job.read(path), ["train.epochs=2"], best.parent, "Best."))

    assert "../specs/rows.csv" in best.read_text()
    assert Job.read(best).checked.report.ids == []
