"""Rolling windows over a table whose rows are ticks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from nnrun.registry.field import DataError
from nnrun.runner.compiler.language.data import Window
from nnrun.runner.engine.data.batch import Part


def windows(part: Part, window: Window, stride: int, *, ahead: bool) -> Part:
    """Each window as an example: a value with time becomes its ticks, `NAME.next` what comes `horizon` ticks after the last.

    A value without time is read where the value to predict lies. Without `ahead` nothing behind a window is needed, and the
    last one ends with the last row. Raises: DataError if not even one window fits.
    """
    count, reach = len(part.rows), window.length + (window.horizon if ahead else 0)
    if count < reach:
        needed = f"a window of {window.length} ticks and a horizon of {window.horizon}" if ahead else f"a window of {window.length} ticks"
        raise DataError(f"{needed} do not fit a series of {count}" if ahead else f"{needed} does not fit a series of {count}")
    starts = torch.arange(0, count - reach + 1, stride)
    values: dict[str, Tensor] = {}
    for name, tensor in part.values.items():
        if name in part.times:
            # views: a series of n ticks costs n numbers, not n times the window
            values[name] = tensor.unfold(0, window.length, stride)[: len(starts)].movedim(-1, 1)
        if ahead:
            values[f"{name}.next" if name in part.times else name] = tensor[starts + reach - 1]
    lengths = {axis: torch.full((len(starts),), window.length) for axis in part.times.values()}
    return replace(part, values=values, lengths=lengths, rows=torch.arange(len(starts)))


def windows_of(window: Window, stride: int, rows: np.ndarray, count: int, *, whole: bool) -> np.ndarray:
    """Numbers of the windows whose value to predict lies among `rows`; the ticks before it may be another part's.

    With `whole` all of the window must lie among them: what is learned from must not hold what is tested.
    """
    reach = window.length + window.horizon
    inside = np.zeros(count, dtype=np.int64)
    inside[rows] = 1
    starts = np.arange(0, count - reach + 1, stride)
    held = np.concatenate([[0], np.cumsum(inside)])
    own = held[starts + reach] - held[starts] == reach if whole else inside[starts + reach - 1] == 1
    return np.flatnonzero(own)
