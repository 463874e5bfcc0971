"""Rolling windows over a table whose rows are ticks."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from nnrun.registry.field import DataError
from nnrun.runner.compiler.language.data import Window
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.series.recordings import Recordings


def windows(part: Part, window: Window, held: Recordings, *, ahead: bool) -> Part:
    """The example of place i is the window that begins there: a value with time becomes its ticks, `NAME.next` what comes
    `horizon` ticks after the last, or at each tick of several.

    A value without time is read where the value to predict lies, of several the last. Without `ahead` nothing behind a window is
    needed: the last one ends with the last row, and a value without time, which is then the same in all of a series, is read there.
    Which of them cross no border, `held` tells. Raises: DataError if not even one fits.
    """
    reach = reach_of(window, ahead=ahead)
    if (what := misfit(window, held, ahead=ahead)) is not None:
        fits = held.longest - window.steps[-1]
        help = f"write `length: {fits}` or less" if fits > 0 else "give it more rows"
        raise DataError(what, help).blaming("data", "window", "length")
    count = len(part.rows) - reach + 1
    values: dict[str, Tensor] = {}
    times = dict(part.times)
    for name, given in part.values.items():
        tensor = given[torch.from_numpy(held.order)] if held.moved else given
        if name in part.times:
            # views: a series of n ticks costs n numbers, not n times the window
            values[name] = tensor.unfold(0, window.length, 1)[:count].movedim(-1, 1)
        if name not in part.times:
            values[name] = tensor[reach - 1 :]
        elif window.several:
            values[f"{name}.next"] = _steps(tensor, window, count, ahead)
            times[f"{name}.next"] = f"{part.times[name]}.next"
        elif ahead:
            values[f"{name}.next"] = tensor[reach - 1 :]
    ticks = {axis: len(window.steps) if axis.endswith(".next") else window.length for axis in times.values()}
    lengths = {axis: torch.tensor([number]).expand(count) for axis, number in ticks.items()}
    ends = torch.from_numpy(held.order[window.length - 1 :][:count])
    return replace(part, values=values, times=times, lengths=lengths, rows=torch.arange(count), ends=ends)


def _steps(tensor: Tensor, window: Window, count: int, ahead: bool) -> Tensor:
    """What comes at each of the ticks that are predicted, (count, n, *axes); zeros without `ahead`, of which only the ticks count."""
    if not ahead:
        return tensor.new_zeros(1).expand(count, len(window.steps), *tensor.shape[1:])
    return tensor[window.length + window.steps[0] - 1 :].unfold(0, len(window.steps), 1)[:count].movedim(-1, 1)


def misfit(window: Window, held: Recordings, *, ahead: bool) -> str | None:
    """That not even one window fits, in a sentence; None if one does."""
    if held.longest >= reach_of(window, ahead=ahead):
        return None
    needed = f"a window of {window.length} ticks" + (f" and a horizon of {window.steps[-1]}" if ahead else "")
    return f"{needed} do{'' if ahead else 'es'} not fit a series of {held.longest}"


def reach_of(window: Window, *, ahead: bool) -> int:
    """Ticks of a window, with those up to the value that it predicts."""
    return window.length + (window.steps[-1] if ahead else 0)
