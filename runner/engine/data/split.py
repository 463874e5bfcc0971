"""Which rows of the data are learned from, which choose the best weights, and which are tested on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nnrun.registry.data.spelling import composed
from nnrun.registry.field import DataError
from nnrun.runner.compiler.language.data import Split

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
) -> Rows:
    """The rows of `train`, `valid` and `test`.

    `sizes` counts the rows that the source gave, for `all` or by part; parts it did not give are cut off the training part.
    `labels` are shared out evenly unless the cut is `in_order`; `where` is the column that `split.by` names. Rows of different
    `groups`, one number for each row, are divided each in their own order.
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
    shares = split.cut(() if "all" in sizes else sizes)
    shares = {"train": split.train if split.train is not None else 1 - sum(shares.values()), **shares}
    if not (in_order or split.chronological):
        whole = _shuffled(whole, None if labels is None else _numbered(labels), split.seed)
    if groups is None or len(whole) == 0:
        series = [whole]
    else:
        series = [whole[groups[whole] == group] for group in np.unique(groups[whole])]
    cut = {name: np.sort(np.concatenate(held)) for name, held in zip(shares, zip(*_cut(series, shares), strict=True), strict=True)}
    return {name: (cut | rows)[name] for name in PARTS}


def _cut(series: Sequence[np.ndarray], shares: Mapping[str, float]) -> Iterator[list[np.ndarray]]:
    """For each series its rows by part."""
    for rows in series:
        ends = np.round(np.cumsum(list(shares.values())) * len(rows)).astype(int)
        yield np.split(rows, ends)[: len(shares)]


def origins(split: Split, given: Collection[str], origin: Callable[[str], str], *, in_order: bool) -> dict[str, str]:
    """Where each part comes from, as people read it. `origin` tells it of a part that the source gave, or of `all`."""
    if "all" in given and split.by is not None:
        return {part: f"rows of {origin('all')} that `{split.by}` calls `{part}`" for part in PARTS}
    cut = split.cut(() if "all" in given else given)
    whole = "all" if "all" in given else "train"
    rest = split.train if split.train is not None else 1 - sum(cut.values())
    shares = {part: share for part, share in {"train": rest, **cut}.items() if 0 < share < 1}
    how = "in order" if in_order or split.chronological else "at random"
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
