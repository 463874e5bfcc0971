"""Verbs about runs that can go on: resume, clear."""

from __future__ import annotations

import sys

import click

from nnrun.runner.cli.console import Exit, console, failures, print_json, say
from nnrun.runner.cli.group import json_option, main
from nnrun.runner.cli.processes.shared import shared
from nnrun.runner.cli.runs import told


@main.command()
@click.argument("run", required=False)
@click.option("--epochs", type=click.IntRange(min=1), help="Train a finished run for longer, up to so many epochs in all, as a new run.")
@click.option("--steps", type=click.IntRange(min=1), help="The same in updates of the weights, where the spec counts them.")
@json_option
@click.option("--quiet", is_flag=True, help="No progress, only the result.")
@shared
def resume(run: str | None, epochs: int | None, steps: int | None, as_json: bool, quiet: bool) -> None:
    """Go on with a run that was broken off, by default the last one; what comes is what would have come."""
    from nnrun.runner.display import Display
    from nnrun.runner.going_on import go_on
    from nnrun.runner.tracking.store import Store

    with failures(as_json):
        store = Store.from_environment()
        job, result = go_on(run, store, Display(console(stderr=True), quiet=quiet), epochs, steps)
        row = told(job, result, store, as_json)
    if as_json:
        print_json(row)
    if not row["delivered"]:
        sys.exit(Exit.UNDELIVERED)


@main.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--all", "everything", is_flag=True, help="Those of all runs that are not going on.")
def clear(runs: tuple[str, ...], everything: bool) -> None:
    """Give back the room of checkpoints: without a RUN, list what is kept on this machine for `nnrun resume`."""
    from nnrun.runner.show.kept import kept_table
    from nnrun.runner.tracking.again.kept import find_kept, kept_runs
    from nnrun.runner.tracking.store import Store

    with failures():
        store = Store.from_environment()
        meant = [find_kept(run, store) for run in runs] or kept_runs()
    if not meant:
        say("nothing is kept")
    elif not runs and not everything:
        console().print(kept_table(meant))
    else:
        idle = [run for run in meant if not run.is_running]
        for run in idle:
            run.clear()
        say(f"cleared {len(idle)} of {len(meant)} runs; what MLflow has of them stays")
