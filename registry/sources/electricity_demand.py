"""How much electricity a country uses, by the half hour."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.tables import PackagedSource, needs_extra
from nnrun.registry.source import Column

BEGIN = datetime(2000, 6, 5)

STEP = timedelta(minutes=30)


@register
class ElectricityDemand(PackagedSource):
    """The demand for electricity in England and Wales in MW, each half hour of twelve weeks, from Monday 5 June to 27 August 2000.

    Baselines on the last 0.15, mean absolute error over the next 24 half hours: the value a week before 456 MW; ridge regression on
    the last week and the calendar 380 MW.
    Source: Taylor 2003, Short-term electricity demand forecasting using double seasonal exponential smoothing; the copy in pmdarima.
    """

    source: Literal["electricity_demand"]

    def columns(self) -> Mapping[str, Column]:
        return {"load": Column("series"), "time": Column("date", {}, "when the half hour begins")}

    def table(self) -> Mapping[str, Any]:
        with needs_extra("electricity_demand", "pmdarima", "datasets"):
            from pmdarima.datasets import load_taylor
        load = load_taylor()
        return {"load": load, "time": [(BEGIN + place * STEP).isoformat(" ", "minutes") for place in range(len(load))]}
