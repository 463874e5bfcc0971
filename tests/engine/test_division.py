"""Groups that stay together, folds, and rolling origins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

from nnrun.registry.field import DataError
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.language.data import Split
from nnrun.runner.engine.data.division.split import Rows, divide
from tests.engine.support import build

RNG = np.random.default_rng(0)
LABELS = RNG.choice(["a", "b", "c"], 200, p=[0.6, 0.3, 0.1]).tolist()
GROUPS = RNG.integers(0, 23, 200)
NUMBERS = np.unique(LABELS, return_inverse=True)[1]


def divided(split: dict[str, Any], *, labels: list[str] | None = None, kept: np.ndarray | None = None, in_order: bool = False) -> Rows:
    made = Split.model_validate(split)
    return divide(made, {"all": 200}, in_order=in_order, labels=labels, where=None, kept=kept)


@pytest.mark.parametrize("labels", [None, LABELS])
@pytest.mark.parametrize("seed", range(5))
def test_no_group_is_in_two_parts(seed: int, labels: list[str] | None) -> None:
    rows = divided({"by_group": "patient", "valid": 0.2, "test": 0.2, "seed": seed}, labels=labels, kept=GROUPS)
    groups = [set(GROUPS[held].tolist()) for held in rows.values()]
    assert sum(map(len, groups)) == len(set(GROUPS.tolist()))
    assert sorted(np.concatenate(list(rows.values())).tolist()) == list(range(200))
    largest = np.bincount(GROUPS).max()
    for held, share in zip(rows.values(), (0.6, 0.2, 0.2), strict=True):
        assert abs(len(held) - share * 200) <= largest


def test_groups_are_shared_out_by_what_is_commonest_in_them() -> None:
    """Forty groups of five of one class each: every part has its share of the classes."""
    kept, labels = np.repeat(np.arange(40), 5), np.repeat(["a", "b"] * 20, 5).tolist()
    for seed in range(10):
        rows = divided({"by_group": "patient", "valid": 0.25, "test": 0.25, "seed": seed}, labels=labels, kept=kept)
        for held in rows.values():
            assert np.isclose(np.mean([labels[row] == "a" for row in held]), 0.5, atol=0.101)


@pytest.mark.parametrize(
    ("theirs", "labels", "kept"),
    [
        (KFold, None, None),
        (StratifiedKFold, LABELS, None),
        (GroupKFold, None, GROUPS),
        (StratifiedGroupKFold, LABELS, GROUPS),
    ],
)
def test_folds_are_those_of_scikit_learn(theirs: Any, labels: list[str] | None, kept: np.ndarray | None) -> None:
    splitter = theirs(5, shuffle=True, random_state=7)
    for fold, (learned, tested) in enumerate(splitter.split(np.zeros(200), NUMBERS, kept)):
        split = {"folds": 5, "fold": fold + 1, "seed": 7, "valid": 0.16, **({"by_group": "patient"} if kept is not None else {})}
        rows = divided(split, labels=labels, kept=kept)
        assert rows["test"].tolist() == tested.tolist()
        assert sorted([*rows["train"], *rows["valid"]]) == learned.tolist()
        assert abs(len(rows["valid"]) - 32) <= (0 if kept is None else np.bincount(GROUPS).max())
        if kept is not None:
            assert not set(GROUPS[rows["train"]]) & set(GROUPS[rows["valid"]])


def test_a_rolling_origin_is_that_of_scikit_learn() -> None:
    for fold, (learned, tested) in enumerate(TimeSeriesSplit(4).split(np.zeros(200))):
        rows = divided({"folds": 4, "fold": fold + 1, "valid": 0.05}, in_order=True)
        assert rows["test"].tolist() == tested.tolist()
        assert [*rows["train"], *rows["valid"]] == learned.tolist()
        assert len(rows["valid"]) == 10


def test_every_series_has_its_own_rolling_origin() -> None:
    groups = np.array([0, 1] * 100)
    made = Split.model_validate({"folds": 4, "fold": 2})
    rows = divide(made, {"all": 200}, in_order=True, labels=None, where=None, groups=groups)
    for group in (0, 1):
        own = np.flatnonzero(groups == group)
        _, tested = list(TimeSeriesSplit(4).split(own))[1]
        assert [row for row in rows["test"] if groups[row] == group] == own[tested].tolist()


@pytest.mark.parametrize(
    ("split", "told"),
    [
        ({"folds": 5}, "this needs one of them"),
        ({"folds": 300, "fold": 1}, "200 rows are too few for 300 folds"),
    ],
)
def test_folds_that_cannot_be_are_refused(split: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        divided(split)
    with pytest.raises(DataError, match="23 groups of `patient` are too few for 30 folds"):
        divided({"folds": 30, "fold": 1, "by_group": "patient"}, kept=GROUPS)
    with pytest.raises(DataError, match="too few for 300 folds, one behind the other"):
        divided({"folds": 300, "fold": 1}, in_order=True)
    with pytest.raises(DataError, match="no class has 150 rows"):
        divided({"folds": 150, "fold": 1}, labels=LABELS)
    with pytest.raises(DataError, match="comes in parts already"):
        divide(Split.model_validate({"folds": 2, "fold": 1}), {"train": 9, "test": 9}, in_order=False, labels=None, where=None)
    with pytest.raises(DataError, match="another part holds rows of, too"):
        divide(
            Split.model_validate({"by_group": "p"}),
            {"train": 2, "test": 2},
            in_order=False,
            labels=None,
            where=None,
            kept=np.array([0, 1, 1, 2]),
        )


SPEC = """\
nnrun: 1
name: divided
data:
  source: {source: csv, file: none.csv}
  fields: {x: {type: number}, y: {type: category}}
  split: {valid: 0.2, SPLIT}
nodes: {scores: {type: linear, units: y}}
edges: [x -> scores]
train: {loss: {type: cross_entropy, input: scores, target: y}, epochs: 1}
metrics: [accuracy]
"""


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("folds: 5, test: 0.1", "no `test` beside `folds`"),
        ("folds: 5, train: 0.1", "no `train` beside `folds`"),
        ("folds: 5, fold: 6", "one of the 5 folds, from 1"),
        ("fold: 2", "`fold` beside `folds` only"),
        ("folds: 1", "2"),
        ("by: part, by_group: p", "either `by` or `by_group`"),
        ("chronological: true, by_group: p", "either `chronological` or `by_group`"),
    ],
)
def test_what_does_not_go_together_is_said(written: str, told: str) -> None:
    found = check(SPEC.replace("SPLIT", written))
    assert any(told in finding.headline for finding in found.report), [finding.headline for finding in found.report]


def test_a_column_keeps_the_rows_of_a_spec_together() -> None:
    columns = {"x": [0.1 * row for row in range(90)], "y": ["u", "v", "w"] * 30, "p": [row // 9 for row in range(90)]}
    built = build(SPEC.replace("SPLIT", "test: 0.2, by_group: p"), columns)
    parts = [built.data.train, built.data.valid, built.data.test]
    assert [len(part) for part in parts if part is not None] == [54, 18, 18]
    assert all(len(part) % 9 == 0 and len({row // 9 for row in part.rows.tolist()}) * 9 == len(part) for part in parts if part is not None)
    assert "by groups of `p`" in built.data.held[0].origin
    with pytest.raises(DataError, match=r"`p` in row 1 of `none\.csv` has no value"):
        build(SPEC.replace("SPLIT", "by_group: p"), {**columns, "p": [None, *columns["p"][1:]]})


def test_a_fold_is_told_by_its_number() -> None:
    columns = {"x": [0.1 * row for row in range(90)], "y": ["u", "v", "w"] * 30}
    tested = []
    for fold in (1, 2, 3):
        built = build(SPEC.replace("SPLIT", "folds: 3"), columns, f"data.split.fold={fold}")
        assert built.data.test is not None
        assert f"fold {fold} of 3" in built.data.held[0].origin
        tested += built.data.test.rows.tolist()
    assert sorted(tested) == list(range(90))


def test_a_sweep_is_of_one_fold() -> None:
    sweep = "sweep: {maximize: valid/accuracy, over: {train.optimizer.lr: [0.1, 0.01]}}\n"
    found = check(SPEC.replace("SPLIT", "folds: 3") + sweep, sweep=True).report
    assert any("a trial of a sweep is one run" in finding.headline for finding in found)
    assert check(SPEC.replace("SPLIT", "folds: 3, fold: 2") + sweep, sweep=True).report.ok
    over = sweep.replace("train.optimizer.lr: [0.1, 0.01]", "data.split.fold: [1, 2, 3]")
    assert check(SPEC.replace("SPLIT", "folds: 3") + over, sweep=True).report.ok
