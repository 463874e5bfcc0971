"""What somebody without a network says of the next ticks of a series: the value so many ticks before."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from nnrun.runner.compiler.language.data import Window
from nnrun.runner.engine.data.batch import Part

MOST_WINDOWS = 2000
"""Of the training part, by which a season is chosen."""


def seasonal_naive(train: Part, test: Part, field: str, window: Window) -> tuple[str, np.ndarray]:
    """What was tried, and its guess for each example of the test part: (n, *axes), or at each of K ticks (n, K, *axes).

    The value as many ticks before as does best on the training part; where that is not known yet, twice as many, and so on. One tick
    is the last value, what is usually called naive. Source: Hyndman and Athanasopoulos 2021, Forecasting, section 5.2.
    """
    every = len(train) // MOST_WINDOWS + 1
    learned, true = (train.values[name][train.rows[::every]] for name in (field, f"{field}.next"))
    size = learned.shape[1]
    errors = [float((_before(learned, season, window) - true).square().mean()) for season in range(1, size + 1)]
    season = int(np.argmin(errors)) + 1
    guess: np.ndarray = _before(test.values[field][test.rows], season, window).numpy()
    return "the last value" if season == 1 else f"the value {season} ticks before", guess


def _before(windows: Tensor, season: int, window: Window) -> Tensor:
    """Of each window the ticks that lie whole seasons before those to predict."""
    places = [windows.shape[1] - 1 + step - season * -(-step // season) for step in window.steps]
    return windows[:, places] if window.several else windows[:, places[0]]
