"""The watcher of a run: it tells the record and the display, and keeps the figures for the pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nnrun.runner.display import Display
from nnrun.runner.tracking.recorder import Recorder

Sample = Callable[[], Mapping[str, list[Any]]]
"""What the network generates now, as columns."""


class History:
    """Tells the record and the display what happens, and keeps the figures."""

    def __init__(self, recorder: Recorder, display: Display, sample: Sample | None = None) -> None:
        self.recorder, self.display, self.sample = recorder, display, sample
        self.points: dict[str, list[tuple[int, float]]] = {}
        self.samples: dict[str, list[Any]] = {}
        self.warnings: list[str] = []

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        self.recorder.metrics(step, figures)
        for name, figure in figures.items():
            self.points.setdefault(name, []).append((step, figure))

    def stepped(self, step: int, loss: float | None) -> None:
        self.display.stepped(step, loss)

    def warned(self, step: int, text: str) -> None:
        self.display.say(f"warning: {text}", style="yellow")
        self.warnings.append(text)
        self.recorder.tags({"nnrun.warning": "\n".join(self.warnings)})

    def image(self, key: str, step: int, png: bytes) -> None:
        self.recorder.image(key, step, png)

    def evaluated(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        self.display.evaluated(step, epoch, figures)
        if self.sample is None:
            return
        columns = self.sample()
        count = len(next(iter(columns.values())))
        for name, column in {"epoch": [epoch] * count, "step": [step] * count, **columns}.items():
            self.samples.setdefault(name, []).extend(column)
        self.recorder.table("samples.json", self.samples)
        self.recorder.artifact("samples.txt", "\n".join(_listed(epoch, columns)))


def _listed(epoch: int, columns: Mapping[str, list[Any]]) -> Iterator[str]:
    """Samples as a text to read."""
    yield f"after epoch {epoch}"
    for row in zip(*columns.values(), strict=True):
        yield ""
        yield from (f"{name}: {text}" for name, text in zip(columns, row, strict=True))
