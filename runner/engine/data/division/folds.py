"""Cross-validation: which rows a fold tests on, and which it leaves to learn from. scikit-learn divides."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import islice

import numpy as np

from nnrun.registry.field import DataError
from nnrun.runner.compiler.language.data import Split

Divided = tuple[np.ndarray, np.ndarray]
"""Rows to learn from, rows to test on."""


def fold_of(split: Split, rows: np.ndarray, labels: np.ndarray | None, groups: np.ndarray | None) -> Divided:
    """Rows in a random order. `labels`, a number for each of them, are shared out evenly, and `groups` kept together.

    Raises: DataError.
    """
    folds = _folds(split)
    units, what = (len(rows), "rows") if groups is None else (len(np.unique(groups)), f"groups of `{split.by_group}`")
    if units < folds:
        raise _refused(f"{units} {what} are too few for {folds} folds", f"write `folds: {units}` or less")
    if labels is not None and np.bincount(labels).max() < folds:
        raise _refused(f"no class has {folds} rows, one for each fold", "write `stratify: false`, or fewer `folds`")
    return _chosen(split, rows, _divisions(split, rows, labels, groups))


def origin_of(split: Split, rows: np.ndarray) -> Divided:
    """Rows in the order of time: a fold tests on what comes right behind all that it learns from, a rolling origin. Raises: DataError."""
    from sklearn.model_selection import TimeSeriesSplit

    folds = _folds(split)
    if len(rows) <= folds:
        raise _refused(f"{len(rows)} rows in a row are too few for {folds} folds, one behind the other", "write fewer `folds`")
    return _chosen(split, rows, TimeSeriesSplit(folds).split(rows))


def _divisions(split: Split, rows: np.ndarray, labels: np.ndarray | None, groups: np.ndarray | None) -> Iterator[Divided]:
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    how = {"n_splits": split.folds, "shuffle": True, "random_state": split.seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class with fewer rows than folds is missing in some
        if groups is None:
            yield from KFold(**how).split(rows) if labels is None else StratifiedKFold(**how).split(rows, labels)
        else:
            yield from (
                GroupKFold(**how).split(rows, None, groups) if labels is None else StratifiedGroupKFold(**how).split(rows, labels, groups)
            )


def _folds(split: Split) -> int:
    """How many folds there are. Raises: DataError where it is not said which one is meant."""
    assert split.folds is not None
    if split.fold is None:
        help = "`nnrun SPEC` runs one after the other; `--set data.split.fold=1` is the first"
        raise _refused(f"`folds: {split.folds}` divides the data {split.folds} times, and this needs one of them", help)
    return split.folds


def _chosen(split: Split, rows: np.ndarray, divisions: Iterator[Divided]) -> Divided:
    assert split.fold is not None
    learned, tested = next(islice(divisions, split.fold - 1, None))
    return rows[learned], rows[tested]


def _refused(what: str, help: str) -> DataError:
    return DataError(what, help).blaming("data", "split", "folds")
