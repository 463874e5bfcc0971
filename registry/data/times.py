"""When each row was: numbers or dates on one scale, and how long it is from one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from nnrun.registry.data.columns import array_of, is_missing, shown
from nnrun.registry.field import DataError

if TYPE_CHECKING:
    import numpy as np

HELP = "a time is a number, or a date such as 2024-01-31 or 2024-01-31 13:00"

_UNITS = (("day", 86400.0), ("hour", 3600.0), ("minute", 60.0), ("second", 1.0))


@dataclass(frozen=True)
class Times:
    """A column of times."""

    values: np.ndarray
    """Float64, (n,): seconds since 1970 for dates, else the numbers themselves."""
    dates: bool

    def duration(self, length: float) -> str:
        """How long it is, for people: `13 hours`, or the number."""
        if not self.dates:
            return f"{length:g}"
        name, size = next(((name, size) for name, size in _UNITS if length >= size), _UNITS[-1])
        count = f"{length / size:.3g}"
        return f"{count} {name}" + "s" * (count != "1")


def parse_times(column: Sequence[Any]) -> Times:
    """Numbers, dates of Python and NumPy, or texts of either; what has no zone is taken for UTC. Raises: DataError naming the row."""
    import numpy as np

    for row, value in enumerate(column):
        if is_missing(value):
            raise DataError("has no value", HELP, row)
    array = array_of(column)
    if array.dtype.kind == "M":
        return Times(array.astype("datetime64[us]").astype(np.int64) / 1e6, True)
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError):
        return Times(np.array([_seconds(value, row) for row, value in enumerate(column)]), True)
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise DataError(f"holds {shown(column[row])}, which is no time", HELP, row)
    return Times(numbers, False)


def _seconds(value: Any, row: int) -> float:
    """Since 1970. Raises: DataError."""
    if isinstance(value, str):
        text = value.strip()
        try:
            value = datetime.fromisoformat(f"{text}-01" if len(text) == 7 else text)  # 2024-01 is a month
        except ValueError:
            raise DataError(f"holds {shown(value)}, which is no time", HELP, row) from None
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise DataError(f"holds {shown(value)}, which is no time", HELP, row)
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
