"""Verbs about what is recorded: serve, sync, ui."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nnrun.runner.cli import complete
from nnrun.runner.cli.console import Exit, failures, hand_over, one_job, say
from nnrun.runner.cli.group import main

PORTS = click.IntRange(1, 65535)


@main.command()
@click.argument("spec", required=False, shell_complete=complete.specs)
@click.option("--port", type=PORTS, default=5000, help="Where to listen; the next free port where this one is taken.")
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
    from nnrun.runner.tracking.outbox import under_way, waiting
    from nnrun.runner.tracking.sync import sync as deliver

    folders = waiting()
    late = 0
    for delivered in deliver(folders, say=lambda text: say(text, err=True)):
        late += delivered.missing
        say(delivered.message or f"delivered: run {delivered.run_id} of `{delivered.experiment}`")
    others = under_way()
    for folder in others:
        say(f"not yet all there: `{folder.path}`, which the process beside its training delivers at this moment")
    if not folders and not others:
        say("nothing waits: MLflow has everything")
    sys.exit(Exit.MISSING if late or others else Exit.FINE)


def _compose(context: click.Context, option: click.Parameter, is_wanted: bool) -> None:
    if is_wanted:
        from nnrun.runner.tracking.team.serve import COMPOSE

        hand_over(COMPOSE.read_text())
        context.exit()


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0 lets other machines in.")
@click.option("--port", type=PORTS, default=5000, show_default=True, help="Where to listen.")
@click.option("--address", metavar="URL", help="How others reach it, if not by host and port: http://runs.example.org:5000")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes that answer.")
@click.option("--user", help="Whom PostgreSQL runs as where root starts it: postgres")
@click.option("--compose", is_flag=True, is_eager=True, expose_value=False, callback=_compose, help="Print the same as a compose file.")
def serve(folder: Path, host: str, port: int, address: str | None, workers: int, user: str | None) -> None:
    """Keep a store for a team in FOLDER: PostgreSQL and MLflow's server, until Ctrl-C or SIGTERM.

    It prints what goes into MLFLOW_TRACKING_URI on the machines that train. The database's password is PGPASSWORD, else what the file
    `password` in FOLDER holds; it is made with the store.
    """
    from nnrun.runner.tracking.team.serve import Endpoint
    from nnrun.runner.tracking.team.serve import serve as keep

    with failures():
        keep(folder, Endpoint(host, port, address, workers), user, say)
