"""A model that is as small as a model can be: it multiplies by the number in its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class Times:
    def __init__(self, factor: float) -> None:
        self.factor = factor

    def predict(self, table: pd.DataFrame, params: dict[str, Any] | None = None) -> list[float]:
        return [self.factor * x + sum(row) for x, row in zip(table["x"], table["row"], strict=True)]


def _load_pyfunc(path: str) -> Times:
    return Times(float(Path(path, "factor.txt").read_text()))
