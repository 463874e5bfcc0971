"""Rolling windows over a table whose rows are ticks."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from nnrun.registry.field import DataError
from nnrun.runner.compiler.language.data import Window
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.recordings import Recordings


def windows(part: Part, window: Window, held: Recordings, *, ahead: bool) -> Part:
    """The example of place i is the window that begins there: a value with time becomes its ticks, `NAME.next` what comes
    `horizon` ticks after the last.

    A value without time is read where the value to predict lies. Without `ahead` nothing behind a window is needed: the last
    one ends with the last row, and a value without time, which is then the same in all of a series, is read there. Which of them
    cross no border, `held` tells. Raises: DataError if not even one fits.
    """
    reach = reach_of(window, ahead=ahead)
    if held.longest < reach:
        needed = f"a window of {window.length} ticks and a horizon of {window.horizon}" if ahead else f"a window of {window.length} ticks"
        what = f"{needed} do{'' if ahead else 'es'} not fit a series of {held.longest}"
        if not ahead:
            raise DataError(what, f"give it {reach} rows in a row")
        fits = held.longest - window.horizon
        help = f"write `length: {fits}` or less" if fits > 0 else "give it more rows"
        raise DataError(what, help).blaming("data", "window", "length")
    count = len(part.rows) - reach + 1
    values: dict[str, Tensor] = {}
    for name, given in part.values.items():
        tensor = given[torch.from_numpy(held.order)] if held.moved else given
        if name in part.times:
            # views: a series of n ticks costs n numbers, not n times the window
            values[name] = tensor.unfold(0, window.length, 1)[:count].movedim(-1, 1)
        if ahead or name not in part.times:
            values[f"{name}.next" if name in part.times else name] = tensor[reach - 1 :]
    lengths = {axis: torch.tensor([window.length]).expand(count) for axis in part.times.values()}
    ends = torch.from_numpy(held.order[window.length - 1 :][:count])
    return replace(part, values=values, lengths=lengths, rows=torch.arange(count), ends=ends)


def reach_of(window: Window, *, ahead: bool) -> int:
    """Ticks of a window, with those up to the value that it predicts."""
    return window.length + (window.horizon if ahead else 0)
