"""Runs and comparisons for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import RenderableType
from rich.table import Table as Drawn
from rich.text import Text

from nnrun.runner.experiments import runs
from nnrun.runner.experiments.figures import Measure, objective, value
from nnrun.runner.record.result import shown
from nnrun.runner.record.short import short_names
from nnrun.runner.tracking.asked.listed import Listed

if TYPE_CHECKING:  # scipy is not needed to list runs
    from nnrun.runner.experiments.compare import Comparison, Side

COLOURS = {"FAILED": "red", "KILLED": "yellow", "RUNNING": "blue"}


def runs_table(table: runs.Table) -> RenderableType:
    """A row for each run, the best first."""
    drawn = Drawn(box=box.SIMPLE_HEAD, pad_edge=False)
    drawn.add_column("run", style="bold", overflow="fold")
    if table.is_mixed:
        for heading in ("experiment", "best by"):
            drawn.add_column(heading, overflow="fold")
        for part in ("valid", "test"):
            drawn.add_column(part, justify="right", no_wrap=True)
    else:
        names = short_names((*table.params, *table.tags))
        for name in names.values():
            drawn.add_column(name, overflow="fold")
        for name in table.figures:
            drawn.add_column(name.replace("/", "/\n", 1), justify="right", no_wrap=True)
    drawn.add_column("status", no_wrap=True)
    drawn.add_column("began", no_wrap=True)
    for run in table.runs:
        cells = _decisive(run) if table.is_mixed else _cells(table, run)
        status = Text(run.status.lower(), style=COLOURS.get(run.status, ""))
        drawn.add_row(Text(run.name), *map(Text, cells), status, f"{runs.when(run):%m-%d %H:%M}")
    return drawn


def comparison_table(found: Comparison) -> RenderableType:
    """A row for each group: how many runs, and each figure with its interval, the one that decides first."""
    drawn = Drawn(box=box.SIMPLE_HEAD, pad_edge=False)
    drawn.add_column("", style="bold", overflow="fold")
    drawn.add_column("runs", justify="right")
    for measure in found.measures:
        drawn.add_column(measure.name, justify="right")
    for side in found.sides:
        drawn.add_row(Text(side.name), str(len(side.group.counted)), *(_figure(side, measure) for measure in found.measures))
    return drawn


def _decisive(run: Listed) -> list[str]:
    """What a run was chosen by, and that figure of the two parts that it did not learn from."""
    chosen = objective(run) or ""
    return [run.experiment, chosen, *(shown(runs.finite(value(run, Measure(part, chosen)))) for part in ("valid", "test"))]


def _cells(table: runs.Table, run: Listed) -> list[str]:
    held = [run.params.get(name, "") for name in table.params] + [run.tags.get(name, "") for name in table.tags]
    return held + [shown(run.metrics.get(name)) for name in table.figures]


def _figure(side: Side, measure: Measure) -> str:
    """A mean and how far its 95 % interval reaches, or a figure and its standard error."""
    span, error = side.interval(measure), side.errors.get(measure.name)
    text = shown(side.mean(measure))
    if span is not None:
        return f"{text} ± {shown((span[1] - span[0]) / 2)}"
    return f"{text} (standard error {shown(error)})" if error is not None else text
