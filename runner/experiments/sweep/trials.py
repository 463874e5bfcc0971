"""What the owner of a sweep and its workers say to each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from nnrun.runner.job import Job

TRIAL, REPEAT = "trial", "repeat"
"""Tags of a run of a sweep: the number of its trial, and which of the trial's runs it is."""


@dataclass(frozen=True)
class Task:
    """One run of a trial."""

    trial: int
    index: int
    """Which of the trial's runs it is, counted from 0."""
    job: Job
    parent: str
    """The sweep's own run."""
    figures: tuple[str, ...]
    """The figure that decides, and what stands for it where that is not measured."""
    judged: bool = False
    """Whether the trial may be given up early."""
    again: bool = False
    """It was under way when a process was killed: perhaps it did finish."""


@dataclass(frozen=True)
class Begun:
    """The training begins."""

    steps: int


@dataclass(frozen=True)
class Stepped:
    """So many updates are done."""

    step: int


@dataclass(frozen=True)
class Evaluated:
    """The validation part was judged, for the `count`-th time since the training began."""

    count: int
    value: float
    answer: bool
    """Whether the worker waits to hear if the trial is to be given up."""


@dataclass(frozen=True)
class Done:
    """The run has finished."""

    run_id: str | None
    figure: str
    value: float
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """The run has failed; `kind` is the same for failures of one kind."""

    kind: str
    message: str
    trace: str | None = None
    """Of a mistake that is not the user's."""


@dataclass(frozen=True)
class GivenUp:
    """The trial was given up early."""


@dataclass(frozen=True)
class Died:
    """The process of a worker is gone."""

    how: str
    """As it is said behind "ended": `by signal 9`."""


Said = Begun | Stepped | Evaluated | Done | Failed | GivenUp | Died


def decisive(names: tuple[str, ...], figures: Mapping[str, float]) -> str:
    """The figure that decides: the first that a run measured."""
    return next((name for name in names if name in figures), names[0])


def worth(figure: str, figures: Mapping[str, float], points: Mapping[int, float]) -> float:
    """The figure of the weights that a run kept; `points` are its values by step. NaN where the run did not measure it."""
    part, _, label = figure.partition("/")
    best = figures.get(f"{part}/best_{label}")
    if best is not None:
        return best
    kept = next((figures[name] for name in ("valid/best_step", "train/best_step") if name in figures), math.nan)
    last = figures.get(figure, math.nan)
    return points.get(int(kept), last) if math.isfinite(kept) else last
