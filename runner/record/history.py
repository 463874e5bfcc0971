"""The watcher of a run: it tells the record and the display, and keeps the figures for the pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from nnrun.runner.display import Display
from nnrun.runner.spans import TRACKING
from nnrun.runner.tracking.recorder import Recorder

Sample = Callable[[], Mapping[str, list[Any]]]
"""What the network generates now, as columns."""


class History:
    """Tells the record and the display what happens, and keeps the figures."""

    def __init__(self, recorder: Recorder, display: Display, sample: Sample | None = None, look: Callable[[], None] = lambda: None) -> None:
        self.recorder, self.display, self.sample, self.look = recorder, display, sample, look
        self.points: dict[str, list[tuple[int, float]]] = {}
        self.samples: dict[str, list[Any]] = {}
        self.warnings: list[str] = []

    def state(self) -> dict[str, Any]:
        """What is to be remembered with a checkpoint; figures stand in the journal, up to where it says, safe on the disk."""
        self.recorder.sync()
        return {"samples": self.samples, "warnings": self.warnings, "journal": self.recorder.reached}

    def take(self, state: Mapping[str, Any], figures: Iterable[tuple[int, Mapping[str, float]]]) -> None:
        """Go on from what `state` gave; `figures` are those of the journal up to there."""
        self.samples, self.warnings = state["samples"], state["warnings"]
        last = 0
        for step, some in figures:
            last = max(last, step)
            for name, figure in some.items():
                self.points.setdefault(name, []).append((last if is_found_once(name) else step, figure))

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        """What is found once stands at step 0, where MLflow draws a bar; at its own step it would be a lonely dot on a line.

        Raises: what `look` does, if something was found beside the training that has to end it.
        """
        self.look()
        once = {name: figure for name, figure in figures.items() if is_found_once(name)}
        for place, some in ((0, once), (step, {name: figure for name, figure in figures.items() if name not in once})):
            if some := {name: figure for name, figure in some.items() if not name.endswith("/best_step")}:  # a tag tells it
                with TRACKING:
                    self.recorder.metrics(place, some)
        for name, figure in figures.items():
            self.points.setdefault(name, []).append((step, figure))

    def stepped(self, step: int, loss: float | None) -> None:
        self.display.stepped(step, loss)

    def warned(self, step: int, text: str) -> None:
        self.display.say(f"warning: {text}", style="yellow")
        self.warnings.append(text)
        self.recorder.tags({"warning": "\n".join(self.warnings)})

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


def is_found_once(name: str) -> bool:
    """Whether a figure is that of the kept weights, found after the last step."""
    part, _, label = name.partition("/")
    return part == "test" or label.startswith("best_")


def _listed(epoch: int, columns: Mapping[str, list[Any]]) -> Iterator[str]:
    """Samples as a text to read."""
    yield f"after epoch {epoch}"
    for row in zip(*columns.values(), strict=True):
        yield ""
        yield from (f"{name}: {text}" for name, text in zip(columns, row, strict=True))
