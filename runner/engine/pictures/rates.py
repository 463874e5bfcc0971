"""The picture of a learning-rate range test."""

from __future__ import annotations

import io
from collections.abc import Sequence

from nnrun.runner.engine.pictures.charts import COLOURS
from nnrun.runner.engine.pictures.paper import GRID, INK


def rates_picture(rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float], suggestion: float | None) -> bytes:
    """The loss over the rate, with the rate that is suggested."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.9, 3.6), layout="constrained")
    axis = figure.subplots()
    axis.tick_params(colors=INK, labelsize=8)
    axis.plot(rates, losses, color=COLOURS["train"], linewidth=0.8, label="loss of a step")
    axis.plot(rates, smoothed, color=COLOURS["valid"], linewidth=1.8, label="smoothed")
    if suggestion is not None:
        axis.axvline(suggestion, color=INK, linewidth=0.8, linestyle=":", label=f"suggested: {suggestion:g}")
    axis.set_xscale("log")
    low, high = min(smoothed), max(smoothed)
    room = 0.1 * ((high - low) or 1.0)
    axis.set_ylim(min(low, *losses) - room, high + room)  # the last losses may be thousands
    axis.set_xlabel("learning rate", color=INK, fontsize=9)
    axis.set_ylabel("training loss", color=INK, fontsize=9)
    axis.grid(color=GRID, linewidth=0.6)
    axis.legend(frameon=False, fontsize=8)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130)
    return stream.getvalue()
