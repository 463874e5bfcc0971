"""Which rows of the data are learned from, which choose the best weights, and which are tested on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnrun.registry.data.columns import is_missing
from nnrun.registry.data.spelling import composed
from nnrun.registry.field import DataError
from nnrun.runner.compiler.language.data import Split
from nnrun.runner.engine.data.division.folds import fold_of, origin_of

Rows = dict[str, np.ndarray]
"""Row numbers by part, counted over all parts that the source gave, one behind the other."""

PARTS = ("train", "valid", "test")


_CALLED = {
    "train": ("train", "training", "learn", "fit"),
    "valid": ("valid", "val", "validation", "validate", "dev", "development", "eval"),
    "test": ("test", "testing", "tst", "holdout"),
}
"""What parts are called elsewhere, in small letters."""


def divide(
    split: Split,
    sizes: Mapping[str, int],
    *,
    in_order: bool,
    labels: Sequence[Any] | None,
    where: Sequence[Any] | None,
    groups: np.ndarray | None = None,
    kept: np.ndarray | None = None,
) -> Rows:
    """The rows of `train`, `valid` and `test`.

    `sizes` counts the rows that the source gave, for `all` or by part; parts it did not give are cut off the training part.
    `labels` are shared out evenly unless the cut is `in_order`; `where` is the column that `split.by` names. Rows of different
    `groups`, one number for each row, are divided each in their own order; those of one number in `kept` are kept together, in
    any order.
    Raises: DataError.
    """
    rows: Rows = {}
    start = 0
    for name, size in sizes.items():
        rows[name] = np.arange(start, start + size)
        start += size
    if where is not None:
        return _divide_by(split, sizes, where)
    whole = rows.pop("all") if "all" in rows else rows.pop("train")
    if kept is not None:
        _refuse_shared(split, whole, rows, kept)
    how = _How(split, None if labels is None else _numbered(labels), groups, kept, (in_order or split.chronological) and kept is None)
    if split.folds is not None:
        cut = _folded(how, sizes, whole)
    else:
        shares = split.cut(() if "all" in sizes else sizes)
        cut = how.cut(whole, {"train": split.train if split.train is not None else 1 - sum(shares.values()), **shares})
    return {name: (cut | rows)[name] for name in PARTS}


@dataclass(frozen=True)
class _How:
    """How rows are cut; `labels`, `groups` and `kept` are numbers for every row of the data."""

    split: Split
    labels: np.ndarray | None
    groups: np.ndarray | None
    kept: np.ndarray | None
    in_order: bool

    def cut(self, whole: np.ndarray, shares: Mapping[str, float]) -> Rows:
        """Rows by part."""
        parts = zip(*(self._pieces(series, shares) for series in self.series(whole)), strict=True)
        return {name: np.sort(np.concatenate(held)) for name, held in zip(shares, parts, strict=True)}

    def series(self, whole: np.ndarray) -> list[np.ndarray]:
        """The rows that are cut one after the other: each in its own order, or all at random."""
        if not self.in_order:
            return [_together(whole, self.labels, self.kept, self.split.seed)]
        if self.groups is None or len(whole) == 0:
            return [whole]
        return [whole[self.groups[whole] == group] for group in np.unique(self.groups[whole])]

    def _pieces(self, rows: np.ndarray, shares: Mapping[str, float]) -> list[np.ndarray]:
        ends = np.round(np.cumsum(list(shares.values())) * len(rows)).astype(int)
        if self.kept is not None and len(rows):  # a cut within a group moves to its nearer border
            borders = np.concatenate([[0], np.flatnonzero(np.diff(self.kept[rows])) + 1, [len(rows)]])
            ends = borders[np.abs(borders[:, None] - ends).argmin(0)]
        return np.split(rows, ends)[: len(shares)]


def _folded(how: _How, sizes: Mapping[str, int], whole: np.ndarray) -> Rows:
    """The parts of a fold. Raises: DataError."""
    if list(sizes) != ["all"]:
        what = f"`folds` divides the data, which comes in parts already: {', '.join(sizes)}"
        raise DataError(what, "leave out `folds`").blaming("data", "split", "folds")
    if how.in_order:
        found = [origin_of(how.split, series) for series in how.series(whole)]
        learned, tested = (np.sort(np.concatenate(held)) for held in zip(*found, strict=True))
    else:
        learned, tested = fold_of(how.split, whole, *(None if held is None else held[whole] for held in (how.labels, how.kept)))
    valid = min(how.split.valid * len(whole) / len(learned), 1.0)
    return {**how.cut(learned, {"train": 1 - valid, "valid": valid}), "test": tested}


def _together(whole: np.ndarray, labels: np.ndarray | None, kept: np.ndarray | None, seed: int) -> np.ndarray:
    """The rows in a random order, those that are kept together one behind the other."""
    if kept is None:
        return _shuffled(whole, labels, seed)
    groups, place = np.unique(kept[whole], return_inverse=True)
    commonest = None
    if labels is not None:
        counts = np.zeros((len(groups), labels.max() + 1), dtype=np.int64)
        np.add.at(counts, (place, labels[whole]), 1)
        commonest = counts.argmax(1)
    order = _shuffled(np.arange(len(groups)), commonest, seed)
    rank = np.empty(len(groups), dtype=np.int64)
    rank[order] = np.arange(len(groups))
    together: np.ndarray = whole[np.argsort(rank[place], kind="stable")]
    return together


def kept_together(split: Split, columns: Iterable[Sequence[Any]]) -> np.ndarray:
    """For each row the number of its group; `columns` are what `split.by_group` names, by part. Raises: DataError."""
    values = [value for column in columns for value in column]
    empty = next((row for row, value in enumerate(values) if is_missing(value)), None)
    if empty is not None:
        raise DataError("has no value", f"`by_group: {split.by_group}` needs to know to which group each row belongs", empty).of(
            str(split.by_group)
        )
    return counted([str(value) for value in values])


def counted(keys: Sequence[Any]) -> np.ndarray:
    """Equal keys as equal numbers, counted in the order in which they occur first."""
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _refuse_shared(split: Split, whole: np.ndarray, given: Rows, kept: np.ndarray) -> None:
    """Raises: DataError for a group of which the source gives rows in two parts."""
    parts = list({"train": whole, **given}.values())
    for place, rows in enumerate(parts):
        for others in parts[:place]:
            both = np.intersect1d(kept[rows], kept[others])
            if len(both):
                row = int(rows[np.isin(kept[rows], both)][0])
                what = f"belongs to a group of `{split.by_group}` that another part holds rows of, too"
                raise DataError(what, "give the source's parts other rows, or leave out `by_group`", row).of(str(split.by_group))


def origins(split: Split, given: Collection[str], origin: Callable[[str], str], *, in_order: bool) -> dict[str, str]:
    """Where each part comes from, as people read it. `origin` tells it of a part that the source gave, or of `all`."""
    if "all" in given and split.by is not None:
        return {part: f"rows of {origin('all')} that `{split.by}` calls `{part}`" for part in PARTS}
    cut = split.cut(() if "all" in given else given)
    whole = "all" if "all" in given else "train"
    rest = split.train if split.train is not None else 1 - sum(cut.values())
    shares = {part: share for part, share in {"train": rest, **cut}.items() if 0 < share < 1}
    how = f"by groups of `{split.by_group}`" if split.by_group else "in order" if in_order or split.chronological else "at random"
    if split.folds is not None:
        how = f"fold {split.fold} of {split.folds}, {how}"
        return dict.fromkeys(PARTS, f"{origin(whole)}, {how}")
    made = {part: f"{share:.3g} of {origin(whole)}, {how}" for part, share in shares.items()}
    return {part: made.get(part) or origin(whole if part == "train" else part) for part in PARTS if part in (*given, "train", *made)}


def _numbered(labels: Sequence[Any]) -> np.ndarray:
    """Labels as numbers, in the order of the alphabet: an array of texts is as wide everywhere as the longest of them."""
    texts = [str(label) for label in labels]
    names = {text: composed(text) for text in dict.fromkeys(texts)}
    number = {name: place for place, name in enumerate(sorted(set(names.values())))}
    places = {text: number[name] for text, name in names.items()}
    return np.array([places[text] for text in texts], dtype=np.int64)


def _divide_by(split: Split, sizes: Mapping[str, int], where: Sequence[Any]) -> Rows:
    if list(sizes) != ["all"]:
        raise DataError(f"`by: {split.by}` divides the data, which comes in parts already: {', '.join(sizes)}", "leave out `by`")
    for row, name in enumerate(where):
        if name not in PARTS:
            meant = next((part for part, others in _CALLED.items() if str(name).strip().lower() in others), None)
            help = "each row holds `train`, `valid` or `test`" + (f": write `{meant}` in place of `{name}`" if meant else "")
            raise DataError(f"holds `{name}`, which is no part", help, row).of(str(split.by)).blaming("data", "split", "by")
    named = np.array([str(name) for name in where])
    return {name: np.flatnonzero(named == name) for name in PARTS}


def _shuffled(rows: np.ndarray, labels: np.ndarray | None, seed: int) -> np.ndarray:
    """The rows in a random order in which every stretch holds its share of each label, and the first one of each comes first."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(rows)
    if labels is None:
        return order
    place = np.empty(len(order))
    for label in np.unique(labels[rows]):
        own = np.flatnonzero(labels[order] == label)
        place[own] = (np.arange(len(own)) + rng.random()) / len(own)
        place[own[0]] = 0  # a class that occurs once must be learned
    shuffled: np.ndarray = order[np.argsort(place, kind="stable")]
    return shuffled
