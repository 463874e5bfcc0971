"""What the calendar says of a moment."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnrun.registry.field import DataError
from nnrun.registry.fields.date import Date


def features(*parts: str, of: object) -> list[float]:
    field = Date.model_validate({"type": "date", "parts": list(parts)})
    return field.encode([of], field.fit([of])).values[0].round(5).tolist()


@pytest.mark.parametrize(
    ("part", "of", "wanted"),
    [
        ("year", "2024-07-01", [0.24]),
        ("season", "2023-01-01", [0.0, 1.0]),
        ("season", "2023-07-02 12:00", [0.0, -1.0]),
        ("month", "2023-04-30", [1.0, 0.0]),
        ("month", "2023-10-01", [-1.0, 0.0]),
        ("weekday", "2024-01-01", [0.0, 1.0]),  # a Monday
        ("weekday", "2024-01-04 12:00", [0.0, -1.0]),
        ("hour", "2024-01-01 06:00", [1.0, 0.0]),
        ("hour", "2024-01-01T08:00+02:00", [1.0, 0.0]),
        ("monthday", date(2024, 2, 1), [0.0, 1.0]),
        ("hour", datetime(2024, 1, 1, 18), [-1.0, 0.0]),
        ("month", np.datetime64("1950-07-01"), [0.0, -1.0]),
    ],
)
def test_a_moment_has_its_place_in_each_round(part: str, of: object, wanted: list[float]) -> None:
    np.testing.assert_allclose(features(part, of=of), wanted, atol=1e-4)


def test_parts_stand_side_by_side_in_their_order() -> None:
    assert features("hour", "year", of="2000-01-01 12:00") == pytest.approx([0.0, -1.0, 0.0], abs=1e-4)


@pytest.mark.parametrize(
    ("value", "said"), [("soon", "holds `soon`, which is no time"), (17.0, "holds 17, which is no date"), ("", "has no value")]
)
def test_what_is_no_date_is_refused(value: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        features("year", of=value)


@pytest.mark.parametrize(
    "parts",
    [
        ["year", "season", "weekday"],
        ["year", "season", "month", "monthday", "weekday", "hour"],
        ["month", "monthday", "hour"],
        ["weekday", "hour"],
        ["weekday"],
        ["hour"],
        ["season"],
        ["year"],
    ],
)
@given(moment=st.datetimes(datetime(1800, 1, 1), datetime(2199, 12, 31)))
def test_a_date_is_told_that_looks_the_same(parts: list[str], moment: datetime) -> None:
    field = Date.model_validate({"type": "date", "parts": parts})
    moment = moment.replace(second=0, microsecond=0)
    if parts == ["month", "monthday", "hour"] and (moment.month, moment.day) == (2, 29):
        return  # which year it was is not told
    features = field.encode([moment.isoformat()], {}).values
    (told,) = field.restored(features, {})

    assert np.allclose(field.encode([told], {}).values, features, atol=1e-4)
    if parts[:2] == ["year", "season"]:
        assert told == moment.isoformat(" ", "minutes")
