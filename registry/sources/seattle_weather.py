"""The weather of a city, day by day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.tables import PackagedSource, needs_extra
from nnrun.registry.source import Column

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")


@register
class SeattleWeather(PackagedSource):
    """The weather of Seattle on each of 1,461 days from 2012 to 2015: rain in mm, temperatures in degrees Celsius, wind in m/s.

    A day is `wet` where any rain or snow was measured. Behind a `window` a field that is no series is read at the day to
    predict: `wet` then says whether the day after the window is wet.

    Baselines for tomorrow, accuracy on the last quarter: the commoner, dry 0.605; as today 0.704; logistic regression on
    the four measurements of today 0.726.
    Source: NOAA, daily climate records of Seattle; the copy in vega-datasets.
    """

    source: Literal["seattle_weather"]

    def columns(self) -> Mapping[str, Column]:
        return {
            **{name: Column("series") for name in ("precipitation", "temp_max", "temp_min", "wind")},
            "weather": Column("category", {"classes": ("drizzle", "fog", "rain", "snow", "sun")}, "what was noted"),
            "wet": Column("category", {"classes": ("dry", "wet")}),
            "month": Column("category", {"classes": _MONTHS}),
        }

    def table(self) -> Mapping[str, Any]:
        with needs_extra("seattle_weather", "vega_datasets", "datasets"):
            from vega_datasets import data
        days = data.seattle_weather()
        measured = {name: days[name].to_numpy() for name in ("precipitation", "temp_max", "temp_min", "wind")}
        wet = ["wet" if amount > 0 else "dry" for amount in measured["precipitation"]]
        months = [_MONTHS[month - 1] for month in days["date"].dt.month]
        return {**measured, "weather": days["weather"].tolist(), "wet": wet, "month": months}
