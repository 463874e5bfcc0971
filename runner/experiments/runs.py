"""The runs of a store as a table: what differs between them, and their figures, the best first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nnrun.runner.compiler.language.tags import OWN_TAGS
from nnrun.runner.experiments.figures import BEST, Measure, higher_is_better, objective, value
from nnrun.runner.experiments.groups import differing_params
from nnrun.runner.tracking.asked.listed import Listed

OURS = frozenset(OWN_TAGS) - {"device"} | {"journal", "host", "pid", "process", "heartbeat"}
"""Tags that say of each run what it alone has, or what other columns say; the last are those of earlier versions."""

MOST = 8
"""Most params and tags that are shown where not all are asked for."""


@dataclass(frozen=True)
class Table:
    """Runs with what is shown of them."""

    runs: tuple[Listed, ...]
    """The best first, experiment by experiment."""
    params: tuple[str, ...]
    tags: tuple[str, ...]
    figures: tuple[str, ...]
    hidden: int = 0
    """Params and tags that differ too, but are not shown."""
    every: bool = False
    """Whether all is shown."""

    @property
    def is_mixed(self) -> bool:
        """Whether runs of several experiments, which have other params and figures, are to be shown by what decides alone."""
        return not self.every and len({run.experiment for run in self.runs}) > 1

    def records(self) -> list[dict[str, Any]]:
        """A mapping for each run, for programs."""
        return [
            {
                "run_id": run.run_id,
                "name": run.name,
                "experiment": run.experiment,
                "status": run.status,
                "began": when(run).isoformat(),
                "params": {name: run.params[name] for name in self.params if name in run.params},
                "tags": {name: run.tags[name] for name in self.tags if name in run.tags},
                "figures": {name: finite(run.metrics[name]) for name in self.figures if name in run.metrics},
            }
            for run in self.runs
        ]

    def rows(self) -> list[list[Any]]:
        """Headings, and a row for each run, as a spreadsheet has them."""
        fixed = ["run_id", "name", "experiment", "status", "began"]
        rows: list[list[Any]] = [[*fixed, *self.params, *self.tags, *self.figures]]
        for run in self.records():
            values = (run[part].get(name, "") for part, names in _parts(self) for name in names)
            rows.append([*(run[name] for name in fixed), *values])
        return rows


def table(runs: Sequence[Listed], every: bool = False, limit: int | None = None) -> Table:
    """What differs between runs of one experiment; with `every`, all params, tags and figures."""
    ordered = best_first(runs)
    top = tuple(ordered[:limit])
    by_experiment: dict[str, list[Listed]] = {}
    for run in ordered:
        by_experiment.setdefault(run.experiment, []).append(run)
    if every:
        params, tags, figures = (_named(getattr(run, kind) for run in ordered) for kind in ("params", "tags", "metrics"))
        return Table(top, params, tuple(name for name in tags if not name.startswith("mlflow.")), figures, every=True)
    params = tuple(dict.fromkeys(name for held in by_experiment.values() for name in differing_params(held)))
    tags = tuple(dict.fromkeys(name for held in by_experiment.values() for name in _differing_tags(held)))
    shown, few = params[:MOST], tags[: max(0, MOST - len(params))]
    hidden = len(params) + len(tags) - len(shown) - len(few)
    return Table(top, shown, few, tuple(_figures(ordered)), hidden)


def best_first(runs: Sequence[Listed]) -> list[Listed]:
    """Experiment by experiment, the one with the latest run first; within it by the figure that its runs were chosen by."""
    latest: dict[str, int] = {}
    for run in runs:
        latest[run.experiment] = max(latest.get(run.experiment, 0), run.began)

    def key(run: Listed) -> tuple[object, ...]:
        chosen = objective(run)
        figure = value(run, Measure("valid", chosen)) if chosen else math.nan
        if math.isnan(figure):
            return -latest[run.experiment], run.experiment, 1, 0.0, -run.began
        return -latest[run.experiment], run.experiment, 0, figure if higher_is_better(chosen or "") is False else -figure, -run.began

    return sorted(runs, key=key)


def when(run: Listed) -> datetime:
    return datetime.fromtimestamp(run.began / 1000, UTC).astimezone()


def finite(figure: float) -> float | None:
    """A figure as JSON has it: what is no number is nothing."""
    return figure if math.isfinite(figure) else None


def _figures(runs: Sequence[Listed]) -> list[str]:
    """What runs were chosen by, and the figures of their test parts."""
    names = _named(run.metrics for run in runs)
    chosen = [name for name in names if name.startswith(f"valid/{BEST}") and name != f"valid/{BEST}step"]
    tested = [name for name in names if name.startswith("test/") and "baseline_" not in name and "greedy_" not in name]
    without = [name for name in names if name.partition("/")[0] not in ("train", "valid", "test", "system")]
    return [*chosen, *tested, *without]


def _differing_tags(runs: Sequence[Listed]) -> list[str]:
    names = _named(run.tags for run in runs)
    return [name for name in names if not _is_ours(name) and len({run.tags.get(name) for run in runs}) > 1]


def _is_ours(name: str) -> bool:
    return name.startswith("mlflow.") or name.removeprefix("nnrun.") in OURS


def _named(held: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in held for name in one))


def _parts(table: Table) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("params", table.params), ("tags", table.tags), ("figures", table.figures)
