"""Cars of the seventies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.tables import PackagedSource, needs_extra
from nnrun.registry.source import Column

NAMES = {
    "mpg": "Miles_per_Gallon",
    "cylinders": "Cylinders",
    "displacement": "Displacement",
    "horsepower": "Horsepower",
    "weight": "Weight_in_lbs",
    "acceleration": "Acceleration",
}
"""Ours and those of the package."""


@register
class Cars(PackagedSource):
    """How far 406 cars of the years 1970 to 1982 go with a gallon, beside what is known of them. A table as they are: 8 lack the mileage
    and 6 the power, and of 38 makers 20 have fewer than six cars, some by a slip of the pen.

    Baselines, root of the mean square in miles per gallon over five folds: the mean 7.8; ridge regression 3.3; gradient-boosted
    trees 2.8.
    Source: Quinlan 1993, Combining instance-based and model-based learning, after the StatLib library; the copy in vega-datasets.
    """

    source: Literal["cars"]

    def columns(self) -> Mapping[str, Column]:
        return {
            **{name: Column("number") for name in NAMES},
            "year": Column("number"),
            "origin": Column("category", {"classes": ("Europe", "Japan", "USA")}),
            "maker": Column("category", {}, "the first word of the name"),
        }

    def table(self) -> Mapping[str, Any]:
        with needs_extra("cars", "vega_datasets", "datasets"):
            from vega_datasets import local_data
        cars = json.loads(Path(local_data.cars.filepath).read_text(encoding="utf-8"))
        return {
            **{ours: [car[theirs] for car in cars] for ours, theirs in NAMES.items()},
            "year": [int(car["Year"][:4]) for car in cars],
            "origin": [car["Origin"] for car in cars],
            "maker": [car["Name"].split()[0] for car in cars],
        }
