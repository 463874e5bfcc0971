"""Pictures of a run, as PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from nnrun.runner.engine.pictures.paper import GRID, INK, Paper, in_rows, png, width_of
from nnrun.runner.engine.pictures.plot import Curve, plot

History = Mapping[str, Sequence[tuple[int, float]]]
"""Figures by name, `valid/accuracy`, each as (step, value) in the order of the steps."""

NAMED = 30
"""Most classes whose names and counts are written into a confusion picture; of more, only colours are seen."""
LONG = 24
"""Most letters of a class's name in a picture."""
SIDE, CELL, FEW = 700, 48, 200
"""Pixels of a confusion picture without names, of a cell of one with names, and at least of all its cells."""
COLOURS = {"train": "#8aa4c8", "valid": "#d1603d"}
SHADES = np.array([[247, 251, 255], [198, 219, 239], [107, 174, 214], [33, 113, 181], [8, 48, 107]])
"""From no example of a class to all of them. Source: Blues of Brewer 2003, ColorBrewer."""


def curves(history: History, best_step: int | None = None) -> bytes:
    """Each figure over the steps: training and validation in one field, the kept step marked where there is one."""
    labels = list(dict.fromkeys(name.partition("/")[2] for name in history if name.startswith(("train/", "valid/"))))
    labels = [label for label in labels if (f"valid/{label}" in history or label == "loss") and not label.startswith("best_")]
    fields = []
    for label in labels or ["loss"]:
        known = {part: points for part in COLOURS if (points := history.get(f"{part}/{label}", ()))}
        drawn = [Curve(points, COLOURS[part], part, dot=2.0 if len(points) < 30 else 0.0) for part, points in known.items()]
        fields.append(plot(drawn, title=label, across="step", mark=best_step))
    return png(in_rows(fields))


def confusion(truth: Sequence[str], guess: Sequence[str], classes: Sequence[str]) -> bytes:
    """How often which class was taken for which, on the test part."""
    number = {name: index for index, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, ([number[name] for name in truth], [number[name] for name in guess]), 1)
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    stops = np.linspace(0, 1, len(SHADES))
    shades = np.stack([np.interp(shares, stops, SHADES[:, band]) for band in range(3)], axis=-1).round().astype(np.uint8)
    named = len(classes) <= NAMED
    names = [name if len(name) <= LONG else f"{name[: LONG - 1]}…" for name in classes] if named else []
    cell = max(CELL, FEW / len(classes)) if named else SIDE / len(classes)
    side, room = cell * len(classes), max(map(width_of, names), default=0.0)
    slanted = room > cell - 6
    left, top = 46 + room, 16
    height = top + side + 42 + (0.75 * room + 6 if slanted else 8)
    paper = Paper(left + side + 16, height)
    paper.cells(Image.fromarray(shades), (left, top), side)
    paper.rectangle((left, top), (left + side, top + side), outline=GRID)
    for place, name in enumerate(names):
        offset = (place + 0.5) * cell
        paper.text((left - 7, top + offset), name, anchor="rm")
        if slanted:
            paper.slanted((left + offset + 6, top + side + 6), name)
        else:
            paper.text((left + offset, top + side + 6), name, anchor="ma")
    for row, column in np.argwhere(counts > 0) if named else ():
        middle = (left + (column + 0.5) * cell, top + (row + 0.5) * cell)
        paper.text(middle, f"{counts[row, column]}", colour="white" if shares[row, column] > 0.5 else INK)
    paper.text((left + side / 2, height - 16), "predicted", 13)
    paper.slanted((12, top + side / 2 - width_of("true", 13) / 2), "true", 13, degrees=90)
    return png(paper.finished())


def scatter(truth: Sequence[float], guess: Sequence[float], name: str) -> bytes:
    """Predicted against true numbers of the test part; a perfect prediction lies on the line."""
    low, high = min(*truth, *guess), max(*truth, *guess)
    perfect = Curve([(low, low), (high, high)], INK, line=0.8)
    cloud = Curve(list(zip(truth, guess, strict=True)), COLOURS["valid"], line=0.0, dot=2.0)
    return png(plot([cloud, perfect], across=f"true {name}", down=f"predicted {name}"))
