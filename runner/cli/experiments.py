"""Verbs about many runs of a spec: sweep."""

from __future__ import annotations

import os
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from nnrun.runner.cli.console import console, end_recorded, failures, one_job, print_json, refuse, say, warn
from nnrun.runner.cli.group import json_option, main, settings_option

if TYPE_CHECKING:
    from nnrun.runner.experiments.sweep.sweep import Swept
    from nnrun.runner.experiments.sweep.workers.workers import Engine

RAY = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_NUM_REDIS_GET_RETRIES": "1"}
"""Nobody is told of its use, and a head that takes a connection but does not answer is waited for once, which takes 40 seconds."""


@main.command()
@click.argument("spec")
@settings_option
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that train at the same time: 1, or what Ray has room for.")
@click.option("--trials", type=click.IntRange(min=1), help="How many trials in all; more than before goes on.")
@click.option("--on", type=click.Choice(["ray"]), help="Where they train, if not as processes of this machine.")
@click.option("--address", help="Head of the Ray cluster, HOST:PORT, or `local`: a new Ray of this machine; by default as Ray chooses.")
@json_option
@click.option("--quiet", is_flag=True, help="No progress, only the result.")
def sweep(
    spec: str,
    settings: tuple[str, ...],
    workers: int | None,
    trials: int | None,
    on: str | None,
    address: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Search for good settings as the `sweep` of SPEC says. The same command goes on where it was stopped or killed.

    Each trial is an MLflow run below one of the sweep. What was tried is kept in `sweeps/`, and the best spec beside it.
    """
    if address is not None and on is None:
        raise click.UsageError(f"`--address {address}` is that of a Ray cluster, and `--on ray` is not given")
    with failures(as_json):
        job = one_job(spec, settings)
        refuse([job.checked], as_json)
    if job.checked.spec is None or job.checked.spec.sweep is None:
        example = "sweep: {over: {train.optimizer.lr: {log: [1e-4, 1e-1]}}}"
        raise click.UsageError(f"`{spec}` has no `sweep`; for example `{example}` (see `nnrun explain sweep`)")
    from nnrun.runner.experiments.sweep.live import Live
    from nnrun.runner.experiments.sweep.sweep import sweep as search
    from nnrun.runner.experiments.sweep.workers.local import LocalWorkers
    from nnrun.runner.tracking.links import experiment_link, sweep_view
    from nnrun.runner.tracking.store import Store

    with failures(as_json):
        store = Store.from_environment()
        engine = _on_ray(workers, address) if on == "ray" else partial(LocalWorkers, count=workers or 1)
        swept = search(job, store, Live(console(stderr=True), quiet=quiet), engine=engine, trials=trials)
    if as_json:
        print_json(_as_dict(swept))
        end_recorded(swept.delivered)
        return
    from nnrun.runner.experiments.sweep.live import best_table

    console().print(best_table(swept.summary))
    say(swept.summary.honest())
    say(f"the best spec is `{swept.summary.place}`")
    if swept.delivered.links is not None:
        charts = experiment_link(store.address, str(swept.delivered.experiment_id), sweep_view(str(swept.delivered.run_id)))
        say(f"sweep       {swept.delivered.links.run}\ncharts      {charts}")
        if not store.is_server:
            say("`nnrun ui` in this folder opens them.")
    if swept.delivered.message is not None:
        warn(swept.delivered.message)
    end_recorded(swept.delivered)


def _on_ray(workers: int | None, address: str | None) -> Engine:
    """Raises: NoRay if it is not installed."""
    from nnrun.runner.experiments.sweep.workers.workers import NoRay

    if find_spec("ray") is None:
        raise NoRay("`--on ray` needs the package ray, which is not installed", 'pip install "nnrun[ray]"')
    for name, value in RAY.items():
        os.environ.setdefault(name, value)  # before Ray is imported, which reads them then
    from nnrun.runner.experiments.sweep.workers.on_ray import RayWorkers

    return partial(RayWorkers, count=workers, address=address)


def _as_dict(swept: Swept) -> dict[str, Any]:
    summary = swept.summary
    columns = summary.table()
    best = swept.study.finished[0]
    return {
        "sweep": swept.study.name,
        "run_id": swept.study.run_id,
        "figure": summary.figure,
        "best": {
            "trial": best.number,
            "value": best.value,
            "settings": list(swept.study.settings(best.number)),
            "figures": summary.tested(),
            "spec": str(summary.file),
        },
        "importances": dict(swept.study.importances()),
        "trials": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)],
        "link": swept.delivered.links.run if swept.delivered.links else None,
        "delivered": swept.delivered.is_complete,
    }
