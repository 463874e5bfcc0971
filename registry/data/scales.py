"""How bright pixels are counted: what the training data taught, and numbers that are sent to a trained network.

A picture says by its numbers alone seldom whether they count from 0 to 1, to 16 or to 255. So the training notes how its own pixels
counted, and who asks the network later is understood by that note, or refused in words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnrun.registry.data.columns import in_row
from nnrun.registry.data.pixels import is_array, picture, pictures
from nnrun.registry.field import DataError

if TYPE_CHECKING:
    import numpy as np

Scale = Mapping[str, Any]
"""`bits` of pixels that the network sees as 0 to 1; of other numbers, which it sees as they are, `least`, `most` and whether all are
`whole`."""

OVERSHOOT = 0.5
"""By how much of their range numbers may lie outside: smoothing and other data go a little farther, another scale much."""

BRIGHT = 64
"""Whole numbers from here on are pixels of 8 bits, where 0 to 1 was learned from; up to 63 they may count anything."""


def scale_of(column: Sequence[Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """How the pixels of a column of pictures are counted, whose `levels` are found; of numbers that are no pixels, by all of them.

    Raises: DataError where one is no picture.
    """
    if found["binary"]:
        return {"least": 0.0, "most": 1.0, "whole": True}
    if found["bits"] is not None:
        return {"bits": found["bits"]}
    least, most, whole = math.inf, -math.inf, True
    for array in [pictures(column, 1)] if getattr(column, "ndim", 1) > 1 else _arrays(column):
        least, most = min(least, float(array.min())), max(most, float(array.max()))
        whole = whole and bool((array == array.round()).all())
    return {"least": least, "most": most, "whole": whole}


def _arrays(column: Sequence[Any]) -> Iterator[np.ndarray]:
    for row, value in enumerate(column):
        with in_row(row):
            yield picture(value)


def at_scale(value: Any, scale: Scale) -> Any:
    """A picture, or a film as one array, in numbers as the network sees them; a file stays as it is. What is no picture is left to
    its reader. Raises: DataError."""
    import numpy as np

    if not is_array(value):
        if "bits" in scale or _unit(scale):
            return value
        raise DataError(f"holds a file, whose pixels count from 0 to 1, where {_said(scale)} were learned from", "send an array of such")
    try:
        array = np.asarray(value)
    except ValueError:
        return value
    if array.dtype.kind not in "fiub" or not array.size or not np.isfinite(array).all():
        return value
    return array.astype(np.float32) / np.float32(_divisor(array, scale))


def _divisor(array: np.ndarray, scale: Scale) -> int:
    """By what these numbers are divided. Raises: DataError where they cannot be what was learned from."""
    least, most, bits = float(array.min()), float(array.max()), scale.get("bits")
    own = 2 ** (8 * array.dtype.itemsize) - 1 if array.dtype.kind == "u" and array.dtype.itemsize <= 2 else None
    whole = array.dtype.kind != "f" or bool((array == array.round()).all())
    if bits is None and not _unit(scale):
        like_unit = scale["whole"] and not whole and least >= 0 and most <= 1
        _check(not like_unit, least, most, scale)
        _check(_within(least, most, scale["least"], scale["most"]), least, most, scale)
        return 1
    if own is not None:
        return 1 if bits is None and scale["whole"] and most <= 1 else own
    full = 2**bits - 1 if bits is not None else 255
    if array.dtype.kind in "iu" and bits is not None:
        _check(least >= 0 and most <= full, least, most, scale)
        return full
    if most <= 1 + OVERSHOOT:
        _check(_within(least, most, 0, 1), least, most, scale)
        return 1
    _check(_within(least, most, 0, full) and (bits is not None or (whole and most >= BRIGHT)), least, most, scale)
    return full


def _unit(scale: Scale) -> bool:
    return "bits" not in scale and scale["least"] >= 0 and scale["most"] <= 1


def _within(least: float, most: float, low: float, high: float) -> bool:
    reach = OVERSHOOT * (high - low)
    return reach == 0 or (low - reach <= least and most <= high + reach)


def _check(fits: bool, least: float, most: float, scale: Scale) -> None:
    if not fits:
        raise DataError(f"holds pixels from {least:g} to {most:g}, where {_said(scale)} were learned from", "bring them to that scale")


def _said(scale: Scale) -> str:
    if "bits" in scale:
        return f"pixels of {scale['bits']} bits (0 to {2 ** scale['bits'] - 1}, or 0 to 1)"
    return f"{'whole ' if scale['whole'] else ''}numbers from {scale['least']:g} to {scale['most']:g}"
