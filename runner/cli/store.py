"""Verbs about what is recorded: ui, sync, clear."""

from __future__ import annotations

import sys

import click

from nnrun.runner.cli import complete
from nnrun.runner.cli.console import Exit, console, failures, one_job
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
        show_pages(Store.from_environment(), experiment, click.echo, browser=not no_browser, port=port)


@main.command()
def sync() -> None:
    """Deliver the records that MLflow could not take when their runs ended."""
    from nnrun.runner.tracking.outbox import waiting
    from nnrun.runner.tracking.sync import sync as deliver

    folders = waiting()
    late = 0
    for delivered in deliver(folders, say=lambda text: click.echo(text, err=True)):
        late += delivered.missing
        click.echo(delivered.message or f"delivered: run {delivered.run_id} of `{delivered.experiment}`")
    if not folders:
        click.echo("nothing waits: MLflow has everything")
    sys.exit(Exit.MISSING if late else Exit.FINE)


@main.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--all", "everything", is_flag=True, help="Those of all runs that are not going on.")
def clear(runs: tuple[str, ...], everything: bool) -> None:
    """Give back the room of checkpoints: without a RUN, list what is kept on this machine for `nnrun resume`."""
    from nnrun.runner.show.kept import kept_table
    from nnrun.runner.tracking.kept import find_kept, kept_runs
    from nnrun.runner.tracking.store import Store

    with failures():
        store = Store.from_environment()
        meant = [find_kept(run, store) for run in runs] or kept_runs()
    if not meant:
        click.echo("nothing is kept")
    elif not runs and not everything:
        console().print(kept_table(meant))
    else:
        idle = [run for run in meant if not run.is_running]
        for run in idle:
            run.clear()
        click.echo(f"cleared {len(idle)} of {len(meant)} runs; what MLflow has of them stays")
