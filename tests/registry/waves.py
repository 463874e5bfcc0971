"""Made-up numbers that need no storing, and what to remember of results. Shared by the tests and by the script that asks Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


def wave(shape: Sequence[int], phase: float = 0.0) -> Array:
    """sin(phase + 0.37 n) for the n-th entry, the last axis fastest; channels stand before lengths."""
    values: Array = np.sin(phase + 0.37 * np.arange(np.prod(shape)))
    return values.reshape(shape)


def summary(y: Array) -> dict[str, list[float]]:
    """Shape, corners and weighted sums: an entry with a wrong value, or in a wrong place, changes them."""
    flat = y.reshape(-1)
    sums = [float((flat * np.cos(phase + 0.11 * np.arange(len(flat)))).sum()) for phase in (0.0, 1.0)]
    return {"shape": list(y.shape), "ends": [float(value) for value in (*flat[:3], *flat[-3:])], "sums": [float(flat.sum()), *sums]}
