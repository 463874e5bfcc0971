"""What a run gave, and its figures beside those of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

from nnrun.runner.tracking.delivered import Delivered


@dataclass(frozen=True)
class Result:
    """What a run gave."""

    spec: str
    figures: Mapping[str, float]
    objective: str
    baseline: str | None
    seconds: float
    steps: int
    stopped_early: bool
    parameters: int
    examples: int
    delivered: Delivered | None = None
    previous: Mapping[str, float] = field(default_factory=dict)
    kept_step: int = 0
    epochs: float | None = None
    """Passes over the training part; None where each stage has its own."""
    kept_bytes: int = 0
    """Room that the last checkpoint takes on this machine."""
    higher: Mapping[str, bool] = field(default_factory=dict)
    """By the name of a figure, without its part, whether more is better."""

    @property
    def kept(self) -> str:
        """When the network had the weights that are kept."""
        if self.epochs is None or self.steps == 0:
            return f"step {self.kept_step} of {self.steps}"
        epoch = self.kept_step * self.epochs / self.steps
        return f"epoch {epoch:.3g} of {self.epochs:.3g}" if self.kept_step else "the untrained network"

    @property
    def part(self) -> str:
        """The part whose figures stand for a run: `test`, or without one `valid`, or without both `train`."""
        return next((part for part in ("test", "valid") if any(name.startswith(f"{part}/") for name in self.figures)), "train")

    @property
    def compared(self) -> list[Compared]:
        """Each figure of the part that stands for the run, beside the same of others."""
        names = [
            name.partition("/")[2]
            for name in self.figures
            if name.startswith(f"{self.part}/") and "baseline_" not in name and "best_" not in name
        ]
        return [
            Compared(
                name,
                self.figures[f"{self.part}/{name}"],
                self.figures.get(f"{self.part}/baseline_{name}"),
                self.previous.get(f"{self.part}/{name}"),
                self.higher.get(name.removeprefix("greedy_")),
            )
            for name in names
        ]


class Compared(NamedTuple):
    """A figure of a run beside the baseline's and that of the run before."""

    name: str
    figure: float
    baseline: float | None
    previous: float | None
    higher: bool | None = None
    """Whether more is better; None where nobody knows."""

    def against(self, other: float | None) -> str | None:
        """What the figure is beside another: `better`, `worse` or `equal`; None where that is not known."""
        if other is None or self.higher is None or not isfinite(other) or not isfinite(self.figure):
            return None
        if shown(self.figure) == shown(other):
            return "equal"
        return "better" if (self.figure > other) == self.higher else "worse"


def shown(figure: float | None) -> str:
    """A figure for people."""
    if figure is None:
        return ""
    return f"{figure:.4f}" if 1e-3 <= abs(figure) < 1e5 else f"{figure:.4g}"
