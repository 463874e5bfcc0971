"""Verbs about what is recorded: ui, sync."""

from __future__ import annotations

import sys

import click

from nnrun.runner.cli import complete
from nnrun.runner.cli.console import Exit, failures, one_job, say
from nnrun.runner.cli.group import main


@main.command()
@click.argument("spec", required=False, shell_complete=complete.specs)
@click.option("--port", type=click.IntRange(1, 65535), default=5000, help="Where to listen; the next free port where this one is taken.")
@click.option("--no-browser", is_flag=True, help="Print the address, open nothing.")
def ui(spec: str | None, port: int, no_browser: bool) -> None:
    """Show the recorded runs in MLflow's pages, opened at the charts of SPEC."""
    from nnrun.runner.tracking.store import Store
    from nnrun.runner.tracking.ui import show as show_pages

    experiment = None
    if spec is not None:
        with failures():
            job = one_job(spec)
        experiment = job.checked.spec.name if job.checked.spec else None
    with failures():
        show_pages(Store.from_environment(), experiment, say, browser=not no_browser, port=port)


@main.command()
def sync() -> None:
    """Deliver the records that MLflow could not take when their runs ended."""
    from nnrun.runner.tracking.outbox import waiting
    from nnrun.runner.tracking.sync import sync as deliver

    folders = waiting()
    late = 0
    for delivered in deliver(folders, say=lambda text: say(text, err=True)):
        late += delivered.missing
        say(delivered.message or f"delivered: run {delivered.run_id} of `{delivered.experiment}`")
    if not folders:
        say("nothing waits: MLflow has everything")
    sys.exit(Exit.MISSING if late else Exit.FINE)
