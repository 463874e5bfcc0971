"""Series that statsmodels ships."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.tables import PackagedSource, needs_extra
from nnrun.registry.source import Column

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")


@register
class ElNino(PackagedSource):
    """The temperature of the Pacific Ocean off Peru in degrees Celsius, for each of 732 months from 1950 to 2010.

    Baselines on the last fifth, root of the mean square, one month ahead: last month's value 1.164; the mean of that month
    in earlier years 0.749; linear regression on the last 12 months 0.531.
    Source: NOAA, ERSST version 3b, region Nino 1+2; the copy in statsmodels.
    """

    source: Literal["elnino"]

    def columns(self) -> Mapping[str, Column]:
        return {"temperature": Column("series"), "year": Column("number"), "month": Column("category", {"classes": _MONTHS})}

    def table(self) -> Mapping[str, Any]:
        with needs_extra("elnino", "statsmodels", "datasets"):
            from statsmodels.datasets import elnino
        table = elnino.load_pandas().data.to_numpy()
        years, temperatures = table[:, 0], table[:, 1:]
        return {"temperature": temperatures.ravel(), "year": years.repeat(12), "month": list(_MONTHS) * len(years)}


@register
class Sunspots(PackagedSource):
    """The number of spots on the sun, for each of 309 years from 1700 to 2008. It rises and falls in about 11 years.

    Baselines on the last fifth, root of the mean square, one year ahead: the mean 60.7; last year's value 33.3; linear
    regression on the last 9 years 19.4.
    Source: National Geophysical Data Center of NOAA; the copy in statsmodels.
    """

    source: Literal["sunspots"]

    def columns(self) -> Mapping[str, Column]:
        return {"spots": Column("series"), "year": Column("number")}

    def table(self) -> Mapping[str, Any]:
        with needs_extra("sunspots", "statsmodels", "datasets"):
            from statsmodels.datasets import sunspots
        years, spots = sunspots.load_pandas().data.to_numpy().T
        return {"spots": spots, "year": years}
