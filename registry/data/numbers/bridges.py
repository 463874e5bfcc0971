"""Gaps in series, filled from the ticks around them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nnrun.registry.data.numbers.gaps import HOW, filling
from nnrun.registry.field import Encoded

if TYPE_CHECKING:
    import numpy as np

BRIDGES = ("last", "interpolate")

SeriesMissing = filling(*HOW, *BRIDGES)


def bridged(parsed: Encoded, runs: Iterable[np.ndarray] | None, how: str) -> Encoded:
    """Numbers of series with NaN filled from known ones, where a series has any on the side that counts.

    Without lengths rows are ticks: `runs` are the rows of each series, in time; without them all is one. `last`: the known number before.
    `interpolate`: on the line between the known numbers before and after, at the ends the nearest (numpy.interp).
    """
    import numpy as np

    values = parsed.values.copy()
    if parsed.lengths is not None:
        for series, length in zip(values, parsed.lengths, strict=True):
            series[:length] = _bridge(series[:length], how)
    else:
        for run in runs if runs is not None else [np.arange(len(values))]:
            values[run] = _bridge(values[run], how)
    return Encoded(values, parsed.lengths)


def _bridge(series: np.ndarray, how: str) -> np.ndarray:
    """Shape: (T) or (T, N)."""
    import numpy as np

    columns, places = series.reshape(len(series), -1).T.copy(), np.arange(len(series))
    for column in columns:
        known = np.flatnonzero(~np.isnan(column))
        if how == "interpolate" and len(known):
            column[:] = np.interp(places, known, column[known])
        elif how == "last":
            before = np.searchsorted(known, places, side="right") - 1
            there = before >= 0
            column[there] = column[known[before[there]]]
    return columns.T.reshape(series.shape)
