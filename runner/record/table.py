"""The result of a run for the terminal."""

from __future__ import annotations

from rich import box
from rich.console import RenderableType
from rich.table import Table

from nnrun.runner.record.result import Result, shown
from nnrun.runner.tracking.delivered import Delivered


def result_table(result: Result) -> RenderableType:
    """The figures of a run beside the baseline's and the previous run's."""
    rows = result.compared
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column({"valid": "validation", "train": "training"}.get(result.part, "test"))
    table.add_column("this run", justify="right", style="bold")
    others = {"baseline": result.baseline or "baseline", "previous": "previous run"}
    others = {key: title for key, title in others.items() if any(getattr(row, key) is not None for row in rows)}
    for title in others.values():
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(row.name, shown(row.figure), *(shown(getattr(row, key)) for key in others))
    return table


def links_text(delivered: Delivered) -> str:
    """Where MLflow shows the run, its charts, and both beside the run before; nothing where it has no run."""
    links = delivered.links
    if links is None:
        return ""
    rows = {"run": links.run, "charts": links.charts, "comparison": links.comparison}
    return "".join(f"{name:<10}  {link}\n" for name, link in rows.items() if link is not None)
