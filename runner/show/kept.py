"""The runs of this machine that can go on, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from nnrun.runner.tracking.again.kept import KeptRun


def kept_table(runs: Sequence[KeptRun]) -> Table:
    """A row for each, and the room that they take together."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    total = sum(run.size for run in runs)
    table.add_column("run", footer=f"{len(runs)}")
    table.add_column("experiment", footer="")
    table.add_column("state", footer="")
    table.add_column("room", footer=room(total), justify="right")
    for run in runs:
        state = "going on" if run.is_running else (run.status or "killed").lower()
        table.add_row(run.name or run.called, run.experiment or "", state, room(run.size))
    return table


def room(count: int) -> str:
    """Bytes for people."""
    for unit, size in (("GB", 10**9), ("MB", 10**6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{max(1, round(count / 1000))} kB"
