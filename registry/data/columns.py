"""Columns of raw values turned into arrays; what cannot be turned is refused with its row.

A column is flat, with one value in a row, or ragged, with a list of values in a row: one for each tick.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nnrun.registry.field import DataError, Encoded

if TYPE_CHECKING:
    import numpy as np
    from pyarrow import ChunkedArray

MISSING = "leave the row out, or fill the gap in the data"

GAP = "leave the row out, or let `missing: mean` in the field fill the gap"
"""The same of numbers."""

NAMELESS = "leave the row out, or let `missing: other` in the field take it for a class"
"""The same of categories."""

COMMA = re.compile(r"\s*[-+]?(\d{1,3}(\.\d{3})+(,\d+)?|\d+,\d+)\s*")
"""A number with a decimal comma, or with points that part its thousands."""


def is_missing(value: Any) -> bool:
    """Whether nothing stands there: None, NaN, or a blank text."""
    return value is None or bool(value != value) or (isinstance(value, str) and not value.strip())


def check_rows(column: Sized) -> None:
    """Refuse an empty training part. Raises: DataError."""
    if len(column) == 0:
        raise DataError("has no rows in the training part, so there is nothing to learn from", "look at the data and at `split`")


def depth(value: Any) -> int:
    """How many lists stand inside each other: 0 for a number or a text."""
    if hasattr(value, "ndim"):
        return int(value.ndim)
    if not isinstance(value, list | tuple):
        return 0
    return 1 + (depth(value[0]) if value else 0)


def is_ragged(column: Sequence[Any], features: int = 0) -> bool:
    """Whether a row holds a list of values, each of which has `features` axes of its own."""
    return len(column) > 0 and depth(column[0]) > features


def shown(value: object) -> str:
    """A value of the data inside a sentence."""
    text = str(value)
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`"


def by_pieces(column: Sequence[Any], function: Callable[[Sequence[Any]], Any]) -> Iterator[Any]:
    """A function of a column; of one that is not held in memory, of each of its pieces. Raises: DataError with the row of the column."""
    start = 0
    for piece in column.pieces() if hasattr(column, "pieces") else (column,):
        try:
            yield function(piece)
        except DataError as error:
            if error.row is None:
                raise
            raise DataError(error.what, error.help, error.row + start, error.name) from None
        start += len(piece)


def parse_numbers(
    column: Sequence[Any], names: Sequence[str] | None = None, size: int | None = None, *, gaps: bool = False, comma: bool = False
) -> Encoded:
    """Float64 values of a flat or ragged column; a tick is a number or, with `size`, so many of them.

    `names` are those of the features, for the messages. With `gaps` a missing number becomes NaN; with `comma` texts are numbers with a
    decimal comma. Raises: DataError if one is missing or no finite number.
    """

    def parse(values: Sequence[Any]) -> np.ndarray:
        return _numbers(_pointed(values) if comma else values, names, size, gaps)

    return by_row(column, parse) if is_ragged(column, 0 if size is None else 1) else Encoded(parse(column))


def _pointed(value: Any) -> Any:
    """Texts with a decimal comma, as Python writes numbers."""
    if isinstance(value, list | tuple):
        return [_pointed(entry) for entry in value]
    if isinstance(value, str) and COMMA.fullmatch(value):
        return value.replace(".", "").replace(",", ".")
    return value


def by_row(column: Sequence[Any], parse: Callable[[Any], np.ndarray]) -> Encoded:
    """A ragged column: each row parsed to (T, *axes), then padded. Raises: DataError naming row and tick."""
    parsed = []
    for index, row in enumerate(map(unpadded, column)):
        if is_missing(row) if depth(row) == 0 else len(row) == 0:
            raise DataError("has no value", MISSING, row=index)
        if depth(row) == 0:
            raise DataError(f"holds {shown(row)}, where a list is wanted", "give one value for each tick", row=index)
        with in_row(index):
            parsed.append(parse(row))
    return pad(parsed)


def unpadded(row: Any) -> Any:
    """A row of an array without the ticks at its end that are NaN all through: there it is shorter than others."""
    if getattr(getattr(row, "dtype", None), "kind", "") != "f" or row.ndim == 0 or len(row) == 0:
        return row
    import numpy as np

    real = ~np.isnan(row.reshape(len(row), -1)).all(axis=1)
    return row[: int(real.nonzero()[0][-1]) + 1 if real.any() else 0]


@contextmanager
def in_row(row: int) -> Iterator[None]:
    """Within it, what is wrong with a value is said of this row; what is wrong with a row of that value, of a tick."""
    try:
        yield
    except DataError as error:
        what = error.what if error.row is None else f"{error.what}, at tick {error.row + 1}"
        raise DataError(what, error.help, row) from error.__cause__


def pad(rows: Sequence[np.ndarray]) -> Encoded:
    """Arrays (T, *axes) of different length as one (n, T, *axes), padded with zeros."""
    import numpy as np

    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    values = np.zeros((len(rows), int(lengths.max(initial=0)), *(rows[0].shape[1:] if rows else ())), rows[0].dtype if rows else np.float64)
    for target, row in zip(values, rows, strict=True):
        target[: len(row)] = row
    return Encoded(values, lengths)


def mask(encoded: Encoded) -> np.ndarray:
    """Which ticks are real: (n, T)."""
    import numpy as np

    assert encoded.lengths is not None
    return np.arange(encoded.values.shape[1]) < encoded.lengths[:, None]


def real(encoded: Encoded) -> np.ndarray:
    """All values that are not padding: (M, *axes)."""
    return encoded.values if encoded.lengths is None else encoded.values[mask(encoded)]


def array_of(values: Sequence[Any]) -> np.ndarray:
    """Values as an array. Texts stay objects: as an array of texts each would be as wide as the longest."""
    import numpy as np

    return np.asarray(values, dtype=object) if not hasattr(values, "dtype") and _has_text(values) else np.asarray(values)


def _has_text(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) or (isinstance(value, list | tuple) and _has_text(value)) for value in values)


def from_arrow(column: ChunkedArray) -> np.ndarray:
    """The numbers of an Arrow column, none of which is absent. Its own `to_numpy` loads pandas."""
    import numpy as np

    return np.concatenate([np.empty(0), *map(np.from_dlpack, column.chunks)])


def _numbers(column: Sequence[Any], names: Sequence[str] | None, size: int | None, gaps: bool) -> np.ndarray:
    import numpy as np

    shape = (len(column),) if size is None else (len(column), size)
    try:
        array = array_of(column)
        if array.dtype.kind in "mMc":  # numpy would turn dates into days since 1970 without a word
            raise DataError(f"holds {shown(array[0])}, which is no number", "write a date as numbers, such as a year and a month", row=0)
        array = array.astype(np.float64)
    except (TypeError, ValueError):
        array = np.full(0, np.nan)  # one of them is no number: the search below names it
    if array.shape == shape and (np.isfinite(array).all() or (gaps and not np.isinf(array).any())):
        return array
    found = np.full(shape, np.nan)
    for index, row in enumerate(column):
        if size is None:
            found[index] = _number(row, index, "", gaps)
            continue
        if depth(row) == 0:
            raise DataError(f"holds {shown(row)}, where a list of {size} numbers is wanted", "make all rows equally long", row=index)
        if len(row) != size:
            raise DataError(f"holds a list of {len(row)}, where {size} numbers are wanted", "make all rows equally long", row=index)
        for feature, value in enumerate(row):
            found[index, feature] = _number(value, index, f" in `{names[feature]}`" if names else f" in place {feature + 1}", gaps)
    return found


def _number(value: Any, row: int, place: str, gaps: bool) -> float:
    from math import isinf, nan

    if depth(value) > 0:
        raise DataError(f"holds a list{place}, where one number is wanted", "a `vector` or `series` field takes lists", row=row)
    if gaps and (is_missing(value) or _is_nothing(str(value))):
        return nan
    if is_missing(value):
        raise DataError(f"has no value{place}", GAP, row=row)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise DataError(f"holds {shown(value)}{place}, which is no number", _no_number(str(value)), row=row) from None
    if number != number:
        raise DataError(f"has no value{place}, but {shown(value)}", GAP, row=row)
    if isinf(number):
        raise DataError(f"holds {shown(value)}{place}, which is not finite", MISSING, row=row)
    return number


def _is_nothing(text: str) -> bool:
    """Whether a text says that there is no number."""
    return text.strip().lower() in ("n/a", "na", "nan", "null", "none", "-", "?")


def _no_number(text: str) -> str:
    """What to do with a text where a number is wanted."""
    if re.fullmatch(r"\s*[-+]?\d{1,3},\d{3}\s*", text):
        whole, point = text.strip().replace(",", ""), text.strip().replace(",", ".")
        return f'write `{whole}` if the comma parts thousands, or `decimal: ","` in the field if it stands for the point of `{point}`'
    if _is_nothing(text):
        return GAP
    if re.fullmatch(r"\s*[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+\s*", text):
        point = text.strip().replace(".", "").replace(",", ".")
        return f'write `decimal: ","` in the field, or the number with a point, `{point}`'
    if re.fullmatch(r"\s*[-+]?[\d.,]+\s*[^\d\s.,]+\s*", text):
        return "write the number alone, without its unit"
    return "a `category` or `text` field takes words"
