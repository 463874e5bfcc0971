"""Pictures of a run, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

History = Mapping[str, Sequence[tuple[int, float]]]
"""Figures by name, `valid/accuracy`, each as (step, value) in the order of the steps."""

INK, GRID = "#333333", "#dddddd"
NAMED = 30
"""Most classes whose names and counts are written into a confusion picture; of more, only colours are seen."""
LONG = 24
"""Most letters of a class's name in a picture."""
COLOURS = {"train": "#8aa4c8", "valid": "#d1603d"}


def curves(history: History, best_step: int | None = None) -> bytes:
    """Each figure over the steps: training and validation in one field, the kept step marked where there is one."""
    labels = list(dict.fromkeys(name.partition("/")[2] for name in history if name.startswith(("train/", "valid/"))))
    labels = [label for label in labels if (f"valid/{label}" in history or label == "loss") and not label.startswith("best_")]
    figure, axes = fields(max(1, len(labels)), 3.0, 2.2)
    for axis, label in zip(axes, labels, strict=False):
        for part, colour in COLOURS.items():
            points = history.get(f"{part}/{label}", ())
            if points:
                marker = "o" if len(points) < 30 else None
                axis.plot(*zip(*points, strict=True), color=colour, label=part, linewidth=1.6, marker=marker, markersize=3)
        has_legend = bool(axis.lines)
        if best_step is not None:
            axis.axvline(best_step, color=INK, linewidth=0.8, linestyle=":")
        axis.set_title(label, color=INK, fontsize=10, loc="left")
        axis.set_xlabel("step", color=INK, fontsize=8)
        axis.grid(color=GRID, linewidth=0.6)
        if has_legend:
            axis.legend(frameon=False, fontsize=8)
    return png(figure)


def confusion(truth: Sequence[str], guess: Sequence[str], classes: Sequence[str]) -> bytes:
    """How often which class was taken for which, on the test part."""
    number = {name: index for index, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, ([number[name] for name in truth], [number[name] for name in guess]), 1)
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    named = len(classes) <= NAMED
    side = max(2.2, 0.42 * len(classes)) if named else 7.0
    shown = [name if len(name) <= LONG else f"{name[: LONG - 1]}…" for name in classes] if named else []
    figure, (axis,) = fields(1, side, side, shown)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if named:
        axis.set_xticks(
            range(len(classes)), shown, fontsize=8, rotation=45 if slanted(shown) else 0, ha="right" if slanted(shown) else "center"
        )
        axis.set_yticks(range(len(classes)), shown, fontsize=8)
        for row, column in np.argwhere(counts > 0):
            colour = "white" if shares[row, column] > 0.5 else INK
            axis.text(column, row, counts[row, column], ha="center", va="center", fontsize=7, color=colour)
    axis.set_xlabel("predicted", color=INK, fontsize=9)
    axis.set_ylabel("true", color=INK, fontsize=9)
    return png(figure)


def scatter(truth: Sequence[float], guess: Sequence[float], name: str) -> bytes:
    """Predicted against true numbers of the test part; a perfect prediction lies on the line."""
    figure, (axis,) = fields(1, 4.0, 2.8)
    axis.scatter(truth, guess, s=10, alpha=0.6, color=COLOURS["valid"], linewidths=0)
    low, high = min(*truth, *guess), max(*truth, *guess)
    axis.plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle=":")
    axis.set_xlabel(f"true {name}", color=INK, fontsize=9)
    axis.set_ylabel(f"predicted {name}", color=INK, fontsize=9)
    axis.grid(color=GRID, linewidth=0.6)
    return png(figure)


def fields(count: int, width: float, height: float, names: Sequence[str] = ()) -> tuple[Figure, list]:  # type: ignore[type-arg]
    """Fields of that many inches side by side, with room for numbers at their axes, or for `names`.

    matplotlib's own ways to find room take a tenth of a second.
    """
    from matplotlib.figure import Figure

    room = max([0.5, *(0.075 * len(name) + 0.3 for name in names)])  # letters have a size of 8
    left, right, bottom, top = room + 0.1, 0.15, (room if slanted(names) else 0.3) + 0.25, 0.3
    across, down = count * (left + width) + right, bottom + height + top
    figure = Figure(figsize=(across, down))
    figure.subplots_adjust(left / across, bottom / down, 1 - right / across, 1 - top / down, wspace=left / width)
    axes = list(figure.subplots(1, count, squeeze=False)[0])
    for axis in axes:
        axis.tick_params(colors=INK, labelsize=8)
        for side in axis.spines.values():
            side.set_color(GRID)
    return figure, axes


def slanted(names: Sequence[str]) -> bool:
    """Whether names stand too close below an axis to be level."""
    return max(map(len, names), default=0) > 3


def png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130)
    return stream.getvalue()
