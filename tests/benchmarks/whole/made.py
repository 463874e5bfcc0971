"""The files that all ways of a workload read; the same at each call."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np


def parts(count: int) -> dict[str, slice]:
    """Consecutive shares of examples that come in no order."""
    first, second = int(0.8 * count), int(0.9 * count)
    return {"train": slice(first), "valid": slice(first, second), "test": slice(second, count)}


def write(folder: Path, scale: float = 1.0) -> None:
    """`scale` times as many examples as the workloads have."""
    rng = np.random.default_rng(0)
    texts(folder, int(8_000 * scale), rng)
    pictures(folder / "pictures.npz", int(4_000 * scale), rng)
    rows(folder, int(100_000 * scale), rng)


def texts(folder: Path, count: int, rng: np.random.Generator) -> None:
    """Words of 5,000, each with a mood; the sum of moods is the label."""
    moods = rng.normal(size=5_000)
    frequencies = 1 / np.arange(10, 5_010)
    lines = []
    for length in rng.integers(5, 61, size=count):
        words = rng.choice(5_000, size=length, p=frequencies / frequencies.sum())
        lines.append((" ".join(f"w{word}" for word in words), "good" if moods[words].sum() > 0 else "bad"))
    for part, place in parts(count).items():
        with open(folder / f"texts_{part}.csv", "w", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *lines[place]])


def pictures(file: Path, count: int, rng: np.random.Generator) -> None:
    """Ten kinds of smooth pictures in noise, 32x32 in three colours."""
    kinds = np.kron(rng.normal(size=(10, 4, 4, 3)), np.ones((1, 8, 8, 1)))
    labels = rng.integers(10, size=count)
    noisy = 128 + 60 * kinds[labels] + 50 * rng.normal(size=(count, 32, 32, 3))
    images = noisy.clip(0, 255).astype(np.uint8)
    arrays = {f"image_{part}": images[place] for part, place in parts(count).items()}
    np.savez(file, **arrays, **{f"label_{part}": labels[place] for part, place in parts(count).items()})


def rows(folder: Path, count: int, rng: np.random.Generator) -> None:
    """Twenty numbers a row; which side of a curved surface they lie on is the label."""
    x = rng.normal(size=(count, 20)) * rng.uniform(0.5, 3, size=20) + rng.normal(size=20)
    y = np.tanh(x @ rng.normal(size=(20, 8))) @ rng.normal(size=8) > 0
    for part, place in parts(count).items():
        table = np.column_stack([x[place], y[place]])
        heading = ",".join([*(f"x{number}" for number in range(20)), "label"])
        np.savetxt(folder / f"rows_{part}.csv", table, fmt=["%.5f"] * 20 + ["%d"], delimiter=",", header=heading, comments="")
