"""What a column probably is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from nnrun.registry.data.columns import depth, is_missing
from nnrun.registry.data.times import parse_times
from nnrun.registry.field import DataError
from nnrun.registry.fields.category import class_name
from nnrun.runner.start.tables import is_number

Kind = Literal["number", "category", "text", "image", "video", "vector", "series", "time", "count", "out"]

FEW, SHARE = 20, 5
"""A target of whole numbers is one of classes if they are no more than `FEW`, and each is in `SHARE` rows on average."""

NAMES, REPEATED = 100, 3
"""Texts are classes if they are no more than `NAMES`, and each is in `REPEATED` rows on average."""

WORDS = 3
"""Words from which on a text is one to be read, on average."""

NO_VALUE = {"na", "n/a", "nan", "null", "none", "missing", "?", "-"}
"""What people write in small or capital letters where a number is missing."""

PICTURE = re.compile(r"\.(png|jpe?g|bmp|gif|webp|tiff?|ppm|pgm|pbm)$", re.IGNORECASE)

ID = re.compile(r"^$|^(id|index|idx|key|uuid|unnamed.*|row|nr|no|number)$|(^|[ _.-])id$", re.IGNORECASE)

TIME = re.compile(r"^(year|month|week|day|date|hour|minute|time|timestamp|datetime|t|step|tick)s?$", re.IGNORECASE)

DATE = re.compile(r"^\d{1,4}[./-]\d{1,2}([./-]\d{1,4}\b|$)")

LONGEST_GAP = 0.1
"""Share of steps that may be longer than the others in a series."""


@dataclass(frozen=True)
class Guess:
    """What a column probably is: the type of its field and options, for people `why`, and how many classes it has."""

    kind: Kind
    why: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    classes: int = 0
    side: int = 0
    """The shorter side of pictures, in pixels."""


def guess(name: str, column: Sequence[Any]) -> Guess:
    """What a column of an example each row probably is; `out` for one that no network can use as it is."""
    if getattr(column, "ndim", 1) > 1:
        return _array(np.asarray(column))
    gaps = sum(map(is_missing, column)) if depth(column[0]) == 0 else 0
    if gaps:
        return Guess("out", f"{gaps} of {len(column)} rows have no value: fill them, or leave those rows out")
    first = column[0]
    if isinstance(first, dict | bytes):
        return Guess("image", "packed pictures")
    if depth(first):
        return _lists(column)
    if isinstance(first, bool | np.bool_):
        return _category(column)
    if all(map(is_number, column)):
        return _numbers(name, np.array([float(value) for value in column]))
    blank = [value for value in column if not is_number(value)]
    if len(blank) < len(column) and all(str(value).strip().lower() in NO_VALUE for value in blank):
        return Guess("out", f"{len(blank)} of {len(column)} rows hold no number: fill them, or leave those rows out")
    return _texts(name, [str(value) for value in column])


def as_target(found: Guess, column: Sequence[Any]) -> Guess:
    """The same column as what the network is to say: few whole numbers are classes."""
    if found.kind not in ("number", "count"):
        return found
    values = np.array([float(value) for value in column])
    classes = len(np.unique(values))
    if (values == values.round()).all() and classes <= FEW and classes * SHARE <= len(values):
        return _category(column)
    return Guess("number", f"from {values.min():g} to {values.max():g}")


def is_even(column: Sequence[Any]) -> bool:
    """Whether the rows follow each other in time, one step apart but for a few gaps."""
    try:
        passed = np.diff(parse_times(column).values)
    except DataError:
        return False
    if len(passed) == 0 or (passed <= 0).any():
        return False
    step = float(np.median(passed))
    return bool((passed >= step / 2).all() and (passed > 1.5 * step).mean() <= LONGEST_GAP)


def _numbers(name: str, values: np.ndarray) -> Guess:
    if (values == values[0]).all():
        return Guess("out", "it is the same in every row")
    rises = bool((np.diff(values) > 0).all())
    if TIME.match(name) and rises:
        return Guess("time", "when each row was")
    whole = bool((values == values.round()).all())
    if ID.search(name) and whole and len(np.unique(values)) == len(values):
        return Guess("out", "it only names the rows")
    if whole and rises and values[-1] - values[0] == len(values) - 1:
        return Guess("count", "it only counts the rows")
    return Guess("number", f"from {values.min():g} to {values.max():g}")


def _texts(name: str, values: Sequence[str]) -> Guess:
    classes = len(set(values))
    words = sum(len(value.split()) for value in values) / len(values)
    if classes == 1:
        return Guess("out", "it is the same in every row")
    if all(PICTURE.search(value) for value in values):
        return Guess("image", "paths of pictures")
    if all(DATE.match(value) for value in values):
        try:
            parse_times(values)
        except DataError:
            return Guess("out", "dates are read as 2024-01-31, and these are written otherwise")
        return Guess("time", "when each row was")
    if classes <= NAMES and classes * REPEATED <= len(values):
        return _category(values)
    if words >= WORDS:
        return Guess("text", "read word by word", {"tokens": "words", "max_length": _length(values)})
    if classes == len(values):
        return Guess("out", "it only names the rows")
    return Guess("out", f"{classes} different names in {len(values)} rows are too many to learn from")


def _category(values: Sequence[Any]) -> Guess:
    """With all classes: a rare one may be missing from the training part."""
    names = sorted(
        {str(class_name(value)) for value in values}, key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)
    )
    return Guess("category", f"{len(names)} classes", {"classes": names}, classes=len(names))


def _length(values: Sequence[str]) -> int:
    """Words that all but the longest texts have at most."""
    return max(int(np.quantile([len(value.split()) for value in values], 0.95) * 1.2), 4)


def _lists(column: Sequence[Any]) -> Guess:
    """A list in each row: of numbers, or of as many numbers at each tick."""
    if depth(column[0]) > 2 or not all(is_number(value) for row in column for value in np.ravel(np.asarray(row, dtype=object))):
        return Guess("out", "it holds lists of something else than numbers")
    if depth(column[0]) == 2:
        return Guess("series", "as many numbers at each tick", {"size": len(column[0][0]), "normalize": "standard"})
    if len({len(row) for row in column}) == 1:
        return Guess("vector", f"{len(column[0])} numbers", {"normalize": "standard"})
    return Guess("series", "of different length", {"normalize": "standard"})


def _array(values: np.ndarray) -> Guess:
    """An array in each row: numbers, a series of them, a picture or a film."""
    if values.dtype.kind not in "fiub":
        return Guess("out", "it holds arrays of something else than numbers")
    shape = values.shape[1:]
    scaled = bool(values.dtype.kind in "iub" or (values.min() >= 0 and values.max() <= 255))
    if len(shape) == 1:
        padded = values.dtype.kind == "f" and bool(np.isnan(values).any())
        normalize = {"normalize": "standard"}
        return Guess("series", "of different length", normalize) if padded else Guess("vector", f"{shape[0]} numbers", normalize)
    if len(shape) == 2 and not (scaled and min(shape) > 3 and (values.dtype.kind == "u" or shape[0] == shape[1])):
        return Guess("series", f"{shape[1]} numbers at each tick", {"size": shape[1], "normalize": "standard"})
    if len(shape) in (2, 3):
        options, side = _pixels(shape)
        return Guess("image", "pictures", options, side=side)
    if len(shape) == 4:
        options, side = _pixels(shape[1:])
        return Guess("video", f"{shape[0]} pictures each", options, side=side)
    return Guess("out", f"it holds arrays of {len(shape)} axes")


def _pixels(shape: Sequence[int]) -> tuple[dict[str, Any], int]:
    """Options of a picture of that shape, (H, W), (H, W, C) or (C, H, W), and its shorter side."""
    sides, channels = (shape, 1) if len(shape) == 2 else (shape[:2], shape[2]) if shape[2] in (1, 3, 4) else (shape[1:], shape[0])
    return {"size": [int(side) for side in sides], "channels": 1 if channels == 1 else 3}, min(sides)
