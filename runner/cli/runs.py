"""Verbs that make runs."""

from __future__ import annotations

from typing import Any

import click

from nnrun.runner.cli.console import console, failures, jobs, print_json, refuse, warn
from nnrun.runner.cli.group import json_option, main, settings_option
from nnrun.runner.job import Job


@main.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@settings_option
@click.option("--seed", type=click.IntRange(min=0), help="Seed of start values and batches, in place of train.seed.")
@click.option("--device", metavar="DEVICE", help="auto, cpu, cuda or cuda:N, in place of train.device.")
@json_option
@click.option("--quiet", is_flag=True, help="No progress, only the result.")
def run(specs: tuple[str, ...], settings: tuple[str, ...], seed: int | None, device: str | None, as_json: bool, quiet: bool) -> None:
    """Train SPEC... and record each as an MLflow run (`-` reads from standard input)."""
    given = (*settings, *([f"train.seed={seed}"] if seed is not None else []), *([f"train.device={device}"] if device is not None else []))
    with failures(as_json):
        found = jobs(specs, given)
        refuse([job.checked for job in found], as_json)
        for job in found if not quiet else ():
            if job.checked.spec is not None and job.checked.spec.sweep is not None:
                click.echo(f"note: `nnrun sweep {job.path or '-'}` searches; this runs the spec as written", err=True)
        results = [_run_one(job, as_json, quiet) for job in found]
    if as_json:
        print_json(results if len(results) > 1 else results[0])


def _run_one(job: Job, as_json: bool, quiet: bool) -> dict[str, Any]:
    from nnrun.runner.display import Display
    from nnrun.runner.record.table import links_text, result_table
    from nnrun.runner.run import run as run_job
    from nnrun.runner.tracking.store import Store

    store = Store.from_environment()
    result = run_job(job, store, Display(console(stderr=True), quiet=quiet))
    delivered = result.delivered
    assert delivered is not None
    if not as_json:
        console().print(result_table(result))
        click.echo(links_text(delivered), nl=False)
        if delivered.links is not None and not store.is_server:
            click.echo("`nnrun ui` in this folder opens them.")
        if delivered.message is not None:
            warn(delivered.message)
    return {
        "spec": job.name,
        "experiment": result.spec,
        "run_id": delivered.run_id,
        "figures": dict(result.figures),
        "baseline": result.baseline,
        "steps": result.steps,
        "seconds": round(result.seconds, 3),
        "parameters": result.parameters,
        "link": delivered.links.run if delivered.links else None,
    }
