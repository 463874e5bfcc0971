"""How a network foresees a series: windows of the part that it is judged by, and its error at each tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nnrun.runner.compiler.plan import Comparison
from nnrun.runner.engine.inference.sheet import TRUE, Sheet
from nnrun.runner.engine.pictures.charts import COLOURS
from nnrun.runner.engine.pictures.paper import INK, in_rows, png
from nnrun.runner.engine.pictures.plot import Curve, plot
from nnrun.runner.engine.training.baselines.baseline import Baseline
from nnrun.runner.tracking.recorder import Recorder

if TYPE_CHECKING:
    from PIL.Image import Image
    from pyarrow import Table

    Array = np.ndarray[Any, Any]

PICTURE, HORIZONS = "forecast.png", "horizons.json"
SHOWN = 4
"""Windows that are drawn, spread over the part."""
BEFORE = 3
"""Ticks of the past that are drawn for each that is foreseen, where the window holds them."""
STRETCH = 200
"""Ticks that are drawn of a forecast of one tick."""


def record_forecast(recorder: Recorder, sheet: Sheet, table: Table, loss: Comparison, beaten: Baseline | None) -> None:
    """A picture, and for several ticks a table of errors by tick, in the units of the data. `beaten` is the baseline for the same part."""
    name = loss.answer
    if f"{TRUE}{name}" not in table.column_names:
        return
    foreseen = _Foreseen.of(sheet, table, loss, beaten)
    if loss.target_shape.ticks is None:
        recorder.artifact(PICTURE, png(foreseen.one_by_one()))
        return
    recorder.table(HORIZONS, foreseen.horizons())
    recorder.artifact(PICTURE, png(in_rows([foreseen.by_tick(), *foreseen.windows()])))


@dataclass(frozen=True)
class _Foreseen:
    """A forecast beside the truth, (n, K, F), NaN where that is missing."""

    name: str
    truth: Array
    said: Array
    past: Mapping[int, Array]
    """Of the windows that are drawn, by their place, the ticks that were read, (length, F)."""
    first: int
    """How many ticks behind the window the forecast begins."""
    baseline: tuple[str, Array] | None

    @staticmethod
    def of(sheet: Sheet, table: Table, loss: Comparison, beaten: Baseline | None) -> _Foreseen:
        field, _, _ = loss.target.partition(".")
        config, facts, data = sheet.plan.fields[field], sheet.predictor.facts[field], sheet.plan.spec.data
        assert data is not None
        assert data.window is not None
        count, ticks = len(table), loss.target_shape.ticks or 1

        def shaped(column: Any) -> Array:
            return np.array(column, dtype=float).reshape(count, ticks, -1)

        part, rows = sheet.part, sheet.part.rows.sort().values
        places = np.unique(np.linspace(0, count - 1, SHOWN).round().astype(int)).tolist() if ticks > 1 else []
        held = {place: config.bare(part.values[field][rows[place]]).numpy() for place in places}
        past = {place: np.array(config.decode(row, facts), dtype=float).reshape(len(row), -1) for place, row in held.items()}
        baseline = None
        if beaten is not None and beaten.guess is not None and len(beaten.guess) == count:
            told = beaten.guess[np.argsort(part.rows.numpy(), kind="stable")]
            baseline = (beaten.name, shaped(config.decode(told.reshape(-1, *told.shape[2:] if ticks > 1 else told.shape[1:]), facts)))
        truth, said = (shaped(table[column].to_pylist()) for column in (f"{TRUE}{loss.answer}", loss.answer))
        return _Foreseen(field, truth, said, past, data.window.steps[0], baseline)

    def horizons(self) -> dict[str, list[Any]]:
        """Errors by tick."""
        held = {"tick": [self.first + tick for tick in range(self.truth.shape[1])], "rmse": _rmse(self.said, self.truth).tolist()}
        held["mae"] = np.nanmean(np.abs(self.said - self.truth), axis=(0, 2)).tolist()
        if self.baseline is not None:
            held[f"rmse of {self.baseline[0]}"] = _rmse(self.baseline[1], self.truth).tolist()
        return held

    def by_tick(self) -> Image:
        """Errors by tick, drawn."""
        curves = [Curve(self._at(_rmse(self.said, self.truth)), COLOURS["valid"], "network", dot=2.0)]
        if self.baseline is not None:
            curves.append(Curve(self._at(_rmse(self.baseline[1], self.truth)), COLOURS["train"], self.baseline[0], dot=2.0))
        return plot(curves, title="rmse", across="ticks ahead")

    def windows(self) -> list[Image]:
        """Some windows, each with what came behind it and what was foreseen."""
        return [self._window(place) for place in self.past]

    def one_by_one(self) -> Image:
        """The last stretch of the part, one tick foreseen at a time."""
        stretch = slice(max(0, len(self.truth) - STRETCH), None)
        lines = [(self.truth, INK, "true"), (self.said, COLOURS["valid"], "foreseen")]
        curves = [Curve(list(enumerate(line[stretch, 0, 0].tolist())), colour, name, line=1.2) for line, colour, name in lines]
        return plot(curves, title=self.name, across="examples")

    def _window(self, place: int) -> Image:
        past = self.past[place][-BEFORE * self.truth.shape[1] :, 0]
        before = len(past)
        curves = [Curve([(tick - before + 1, value) for tick, value in enumerate(past.tolist())], INK, line=1.2)]
        curves.append(Curve(self._at(self.truth[place, :, 0]), INK, "true", line=1.2))
        if self.baseline is not None:
            curves.append(Curve(self._at(self.baseline[1][place, :, 0]), COLOURS["train"], line=1.2))
        curves.append(Curve(self._at(self.said[place, :, 0]), COLOURS["valid"], "foreseen"))
        return plot(curves, title=self.name, across="ticks", mark=0)

    def _at(self, values: Array) -> list[tuple[float, float]]:
        return [(self.first + tick, value) for tick, value in enumerate(values.tolist())]


def _rmse(said: Array, truth: Array) -> Array:
    """(K,)."""
    found: Array = np.sqrt(np.nanmean((said - truth) ** 2, axis=(0, 2)))
    return found
