"""The result of a run for the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nnrun.runner.record.result import Compared, Result, shown
from nnrun.runner.show.kept import room
from nnrun.runner.tracking.delivered import Delivered

COLOURS = {"better": "green", "worse": "red", "equal": "dim"}


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
        table.add_row(row.name, shown(row.figure), *(_beside(row, getattr(row, key)) for key in others))
    return Group(table, _told(result))


def _beside(row: Compared, other: float | None) -> Text:
    """The figure of another, and by how much this run is better or worse."""
    text, judgement = Text(shown(other)), row.against(other)
    if judgement is not None and other is not None:
        change = f"{row.figure - other:+.2g} " if judgement != "equal" else ""
        text.append(f"  {change}{judgement}", style=COLOURS[judgement])
    return text


def _told(result: Result) -> Text:
    """How long it took, how large the network is, and which weights were kept."""
    early = ", stopped early" if result.stopped_early else ""
    trained = f"{result.steps:,} step{'s' * (result.steps != 1)} in {result.seconds:.1f} s{early}"
    checkpoint = f"; checkpoint {room(result.kept_bytes)}" if result.kept_bytes else ""
    return Text(f"{trained}; {result.parameters:,} parameters; kept {result.kept}{checkpoint}", style="dim")


def links_text(delivered: Delivered) -> str:
    """Where MLflow shows the run, its charts, and both beside the run before; nothing where it has no run."""
    links = delivered.links
    if links is None:
        return ""
    rows = {"run": links.run, "charts": links.charts, "comparison": links.comparison}
    return "".join(f"{name:<10}  {link}\n" for name, link in rows.items() if link is not None)
