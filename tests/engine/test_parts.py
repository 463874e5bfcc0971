"""How the data is parted: what was given is taken, what was not asked for is not cut, and the parts are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.resolved import resolved_text
from nnrun.runner.engine.data.columns import load_columns
from nnrun.runner.engine.data.dataset import Dataset, prepare
from nnrun.runner.record.parts import parts_text

POINTS = """\
nnrun: 1
name: points
data:
  source: {source}
  fields: {{x: {{type: number}}, y: {{type: number}}}}
  {parts}
nodes: {{answer: {{type: linear, units: 1}}}}
edges: [x -> answer]
train: {{loss: {{type: mse, input: answer, target: y}}, epochs: 1}}
"""


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, rows in (("a", 100), ("b", 20), ("c", 30)):
        Path(f"{name}.csv").write_text("x,y\n" + "".join(f"{row},{row}\n" for row in range(rows)))
    np.savez("parts.npz", x_train=np.zeros(100), y_train=np.zeros(100), x_valid=np.zeros(20), y_valid=np.zeros(20))


def read(text: str) -> Dataset:
    plan = check(text).plan
    assert plan is not None
    assert plan.spec.data is not None
    return prepare(plan.spec.data, plan.fields, load_columns(plan.spec.data, plan.fields, Path()), ["y"])


@pytest.mark.parametrize(
    ("source", "parts", "sizes"),
    [
        ("csv", "split: {train: a.csv, valid: b.csv}", (100, 20, 0)),
        ("csv", "split: {train: a.csv, valid: b.csv, test: 0.2}", (80, 20, 20)),
        ("csv", "split: {train: a.csv, test: c.csv}", (90, 10, 30)),
        ("csv", "split: {train: a.csv, test: c.csv, valid: 0}", (100, 0, 30)),
        ("csv", "split: {train: a.csv}", (90, 10, 0)),
        ("csv", "split: {train: a.csv, valid: b.csv, test: c.csv}", (100, 20, 30)),
        ("csv", "file: a.csv", (80, 10, 10)),
        ("npz", "file: parts.npz", (100, 20, 0)),
    ],
)
def test_no_test_part_is_cut_that_was_not_asked_for_where_parts_are_given(source: str, parts: str, sizes: tuple[int, ...]) -> None:
    text = POINTS.format(source=source, parts=parts)
    plan = check(text).plan
    assert plan is not None

    for form in (text, resolved_text(plan)):
        data = read(form)
        assert tuple(len(part) if part else 0 for part in (data.train, data.valid, data.test)) == sizes


@pytest.mark.parametrize(
    ("source", "parts", "wanted"),
    [
        (
            "csv",
            "split: {train: a.csv, test: c.csv}",
            "train        90 examples from 0.9 of `a.csv`, at random\n"
            "valid        10 examples from 0.1 of `a.csv`, at random\n"
            "test         30 examples from `c.csv`",
        ),
        (
            "npz",
            "file: parts.npz",
            "train       100 examples from arrays `*_train` of `parts.npz`\n"
            "valid        20 examples from arrays `*_valid` of `parts.npz`\n"
            "test         no examples",
        ),
        (
            "csv",
            "file: a.csv\n  split: {chronological: true, train: 0.5, test: 0}",
            "train        50 examples from 0.5 of `a.csv`, in order\n"
            "valid        10 examples from 0.1 of `a.csv`, in order\n"
            "test         no examples",
        ),
    ],
)
def test_the_parts_are_told_with_their_rows_and_where_from(source: str, parts: str, wanted: str) -> None:
    assert parts_text(read(POINTS.format(source=source, parts=parts))) == wanted
