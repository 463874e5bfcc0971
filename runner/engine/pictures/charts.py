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
COLOURS = {"train": "#8aa4c8", "valid": "#d1603d"}


def curves(history: History, best_step: int | None = None) -> bytes:
    """Each figure over the steps: training and validation in one field, the kept step marked where there is one."""
    labels = list(dict.fromkeys(name.partition("/")[2] for name in history if name.startswith(("train/", "valid/"))))
    labels = [label for label in labels if (f"valid/{label}" in history or label == "loss") and not label.startswith("best_")]
    figure, axes = fields(max(1, len(labels)), 3.0)
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
    figure, (axis,) = fields(1, max(3.2, 0.42 * len(classes) + 1.2) if named else 8.0)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if named:
        axis.set_xticks(range(len(classes)), classes, rotation=45 if max(map(len, classes)) > 3 else 0, fontsize=8)
        axis.set_yticks(range(len(classes)), classes, fontsize=8)
        for row, column in np.argwhere(counts > 0):
            colour = "white" if shares[row, column] > 0.5 else INK
            axis.text(column, row, counts[row, column], ha="center", va="center", fontsize=7, color=colour)
    axis.set_xlabel("predicted", color=INK, fontsize=9)
    axis.set_ylabel("true", color=INK, fontsize=9)
    return png(figure)


def scatter(truth: Sequence[float], guess: Sequence[float], name: str) -> bytes:
    """Predicted against true numbers of the test part; a perfect prediction lies on the line."""
    figure, (axis,) = fields(1, 3.6)
    axis.scatter(truth, guess, s=10, alpha=0.6, color=COLOURS["valid"], linewidths=0)
    low, high = min(*truth, *guess), max(*truth, *guess)
    axis.plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle=":")
    axis.set_xlabel(f"true {name}", color=INK, fontsize=9)
    axis.set_ylabel(f"predicted {name}", color=INK, fontsize=9)
    axis.grid(color=GRID, linewidth=0.6)
    return png(figure)


def fields(count: int, height: float) -> tuple[Figure, list]:  # type: ignore[type-arg]
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(height * 1.35, 3.6 * count), height), layout="constrained")
    axes = list(figure.subplots(1, count, squeeze=False)[0])
    for axis in axes:
        axis.tick_params(colors=INK, labelsize=8)
        for side in axis.spines.values():
            side.set_color(GRID)
    return figure, axes


def png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130)
    return stream.getvalue()
