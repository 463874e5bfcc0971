"""When something was, as features of the calendar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import atan2, cos, sin, tau
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field as Option

from nnrun.registry.catalog import register
from nnrun.registry.data.columns import by_row, is_ragged
from nnrun.registry.data.samples import in_ticks
from nnrun.registry.data.times import parse_times
from nnrun.registry.field import DataError, Encoded, Facts, Field
from nnrun.registry.options import NAME, Many
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    import numpy as np

BEGIN = datetime(1970, 1, 1, tzinfo=UTC)

MIDDLE, SPAN = 2000, 100
"""A year as a number: in centuries from here."""

LAST = 9998
"""The last year behind which another one can be told."""

HELP = "a date is written 2024-01-31, or 2024-01-31 13:00"


@register
class Date(Field):
    """A date, or a date and a time of day, in each row, as features of the calendar: what a number of seconds hides from a network.

    A part that comes again and again is two numbers, the sine and the cosine of its place in the round, so that December lies beside
    January; the year is one, in centuries from 2000. What has no zone is taken for UTC.

    Shape: (N): 2 for each of the `parts`, 1 for `year`; with `along`, (N) at each tick of the other field.
    Raises: DataError if a row has no value, or one that is no date.
    Source: Cox 2006, Speaking Stata: in praise of trigonometric predictors.
    """

    type: Literal["date"]
    parts: Many[Literal["year", "season", "month", "monthday", "weekday", "hour"]] = ("year", "season", "weekday")
    """Parts of the calendar, in this order: `year`; `season`, the day in the year; `month`, in steps; `monthday`, the day in the
    month; `weekday`; `hour`, the time of day."""
    along: Annotated[str, Option(pattern=NAME)] | None = None
    """The field whose ticks the dates are those of. Along a series, whose ticks are the rows, a row holds one date."""

    def shape(self, name: str, facts: Facts | None = None) -> Shape:
        return Shape((sum(1 if part == "year" else 2 for part in self.parts),), time=self.along)

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        return by_row(column, self._features) if is_ragged(column) else Encoded(self._features(column))

    def restored(self, values: np.ndarray, facts: Facts) -> list[Any]:
        """Dates that look so: of what the parts do not tell, the first."""
        if values.ndim > 2:
            return [self.restored(row, facts) for row in values]
        return [self._date(row).isoformat(" ", "minutes") for row in values.tolist()]

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        def some(number: int) -> list[str]:
            return [(BEGIN + timedelta(hours=int(hours))).isoformat() for hours in rng.integers(0, 500_000, number)]

        return in_ticks(some, count) if self.along else some(count)

    def _features(self, column: Sequence[Any]) -> np.ndarray:
        import numpy as np

        times = parse_times(column)
        if not times.dates and len(column):
            raise DataError(f"holds {times.values[0]:g}, which is no date", HELP, row=0)
        moments = [BEGIN + timedelta(seconds=seconds) for seconds in times.values.tolist()]
        return np.array([list(self._told(moment)) for moment in moments], dtype=np.float32).reshape(len(column), -1)

    def _date(self, row: Sequence[float]) -> datetime:
        """A date whose features these are, to half a minute."""
        told, numbers = dict[str, float](), iter(row)
        for part in self.parts:
            told[part] = next(numbers) if part == "year" else atan2(next(numbers), next(numbers)) / tau % 1
        year = round(told["year"] * SPAN + MIDDLE) if "year" in told else MIDDLE
        begin = datetime(min(max(year, 1), LAST), 1, 1, tzinfo=UTC)
        if "season" in told:
            moment = begin + told["season"] * (begin.replace(year=begin.year + 1) - begin)
        else:
            month = round(told.get("month", 0) * 12) % 12 + 1
            moment = begin.replace(month=month) + timedelta(days=round(told.get("monthday", 0) * 31) % 31)
            if "weekday" in told and "monthday" not in told:
                moment += timedelta(days=(told["weekday"] * 7 - moment.weekday()) % 7)
        if "hour" in told:
            said = "season" in told or ("weekday" in told and "monthday" not in told)  # less exactly, but the day with it
            moment += timedelta(days=(told["hour"] - _place("hour", moment) + 0.5 * said) % 1 - 0.5 * said)
        return (moment + timedelta(seconds=30)).replace(second=0, microsecond=0, tzinfo=None)

    def _told(self, moment: datetime) -> Iterator[float]:
        for part in self.parts:
            if part == "year":
                yield (moment.year - MIDDLE) / SPAN
            else:
                place = _place(part, moment)
                yield from (sin(tau * place), cos(tau * place))


def _place(part: str, moment: datetime) -> float:
    """Where a moment lies in its round, from 0 to 1."""
    hours = moment.hour + moment.minute / 60 + moment.second / 3600
    match part:
        case "season":
            begin = datetime(moment.year, 1, 1, tzinfo=UTC)
            return (moment - begin) / (datetime(moment.year + 1, 1, 1, tzinfo=UTC) - begin) if moment.year < 9999 else 0.0
        case "month":
            return (moment.month - 1) / 12
        case "monthday":
            return (moment.day - 1) / 31
        case "weekday":
            return (moment.weekday() + hours / 24) / 7
        case _:
            return hours / 24
