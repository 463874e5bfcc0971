"""Which figures runs have in common, which of them decides, and which way is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nnrun.registry.catalog import find, near
from nnrun.registry.fault import Fault
from nnrun.registry.objective import Metric
from nnrun.runner.tracking.asked.listed import Listed

PARTS = ("test", "valid", "train")
BEST = "best_"
SHARES = (
    *("accuracy", "balanced_accuracy", "top_k_accuracy", "exact_match", "precision", "recall", "f1", "specificity"),
    *("auroc", "average_precision", "mean_iou"),
)
"""Figures from 0 to 1 whose differences are said in points, hundredths."""
ASIDE = ("baseline_", "greedy_", "unknown_words", "examples_per_second", "lr", "epoch", "best_step")
"""Beginnings of figures that are not the network's own."""


class NoFigure(Fault):
    """The runs do not have the figure that is asked for, or none in common."""

    kind = "missing"
    id = "no-figure"


@dataclass(frozen=True)
class Measure:
    """A figure of runs: `test/accuracy`; `part` is empty where it is not that of a part."""

    part: str
    label: str

    @property
    def name(self) -> str:
        return f"{self.part}/{self.label}" if self.part else self.label

    @property
    def higher(self) -> bool | None:
        """Whether more is better; None where nobody can say."""
        return higher_is_better(self.label)

    @property
    def in_points(self) -> bool:
        return self.label in SHARES


def higher_is_better(label: str) -> bool | None:
    """Whether a figure of this name should grow, as the registry's metrics say; None for names that it does not know."""
    if label == "loss":
        return False
    metric = find("metric", label)
    return metric.higher_is_better if metric is not None and issubclass(metric, Metric) else None


def value(run: Listed, measure: Measure) -> float:
    """The figure of a run, NaN where it has none. That of the validation part is the one of the weights that were kept."""
    names = [measure.name]
    if measure.part == "valid":
        names.insert(0, f"valid/{BEST}{measure.label}")
    return next((run.metrics[name] for name in names if name in run.metrics), math.nan)


def objective(run: Listed) -> str | None:
    """The figure that decided which weights a run has kept, without its part."""
    kept = (name.partition(f"/{BEST}")[2] for name in run.metrics if f"/{BEST}" in name)
    return next((label for label in kept if label != "step"), None)


def part_of(runs: Sequence[Listed]) -> str:
    """The part whose figures all runs have: `test`, or without one `valid`, or without both none."""
    return next((part for part in PARTS[:2] if all(_labels(run, part) for run in runs)), "")


def measures(runs: Sequence[Listed], metric: str | None = None, part: str | None = None) -> tuple[Measure, list[Measure]]:
    """The figure that decides, and the others that all runs have. Raises: NoFigure."""
    if metric is not None and metric.partition("/")[0] in PARTS and "/" in metric:
        part, _, metric = metric.partition("/")
    part = part_of(runs) if part is None else part
    common = [label for label in _labels(runs[0], part) if all(label in _labels(run, part) for run in runs)]
    if not common:
        raise NoFigure(f"the runs have no figure of the {part} part in common" if part else "the runs have no figure in common")
    if metric is not None and metric not in common:
        meant = near(metric, common)
        help = f"`{meant}` is one" if meant else f"those that all have are {', '.join(f'`{label}`' for label in common)}"
        raise NoFigure(f"not all of these runs have a figure `{metric}`{f' of the {part} part' if part else ''}", help)
    kept = objective(runs[0])
    chosen = metric or (kept if kept in common else next((label for label in common if label != "loss"), common[0]))
    return Measure(part, chosen), [Measure(part, label) for label in common if label != chosen]


def _labels(run: Listed, part: str) -> list[str]:
    """The figures of a part that are numbers; without a part, those that belong to none."""
    known = sorted(name for name, figure in run.metrics.items() if math.isfinite(figure))
    if not part:
        return [name for name in known if name.partition("/")[0] not in (*PARTS, "system")]
    names = (name.partition("/")[2] for name in known if name.startswith(f"{part}/"))
    return [name for name in names if not name.startswith(ASIDE) and not name.startswith(BEST)]
