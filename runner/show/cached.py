"""What is kept to make later runs faster, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich import box
from rich.table import Table

from nnrun.runner.show.kept import room


class Cached(NamedTuple):
    """One thing of the user's cache."""

    what: str
    used: str
    """When, the last time."""
    bytes: int
    files: list[str]


def cache_table(rows: Sequence[Cached], folder: Path) -> Table:
    """A row for each entry of prepared data, one for all compiled loops, and the room that they take together."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True, caption=str(folder), caption_justify="left")
    table.add_column("what", footer="all")
    table.add_column("last used", footer="")
    table.add_column("room", footer=room(sum(row.bytes for row in rows)), justify="right")
    for row in rows:
        table.add_row(row.what, row.used, room(row.bytes))
    return table
