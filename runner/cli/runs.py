"""Verbs that make runs."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from nnrun.runner.cli import complete
from nnrun.runner.cli.console import Exit, console, failures, jobs, print_json, refuse, say, tell_of_waiting, warn
from nnrun.runner.cli.group import json_option, main, settings_option
from nnrun.runner.cli.processes.shared import shared
from nnrun.runner.launch.place import Place

if TYPE_CHECKING:
    from nnrun.runner.job import Job
    from nnrun.runner.record.result import Result
    from nnrun.runner.tracking.known import KnownRun
    from nnrun.runner.tracking.spawn import Sidecar
    from nnrun.runner.tracking.store import Store


@main.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", shell_complete=complete.specs)
@settings_option
@click.option("--seed", type=click.IntRange(min=0), help="Seed of start values and batches, in place of train.seed.")
@click.option("--device", metavar="DEVICE", shell_complete=complete.devices, help="auto, cpu, cuda or cuda:N, in place of train.device.")
@click.option("--once", is_flag=True, help="If the same experiment was run before, on the same data by the same version, show that run.")
@click.option("--job", metavar="KEY", help="Go on with the run that was begun for this key and broken off, if one was: for batch systems.")
@click.option("--profile", is_flag=True, help="Tell where the time went, in a table and, in the run, as a trace for chrome://tracing.")
@json_option
@click.option("--quiet", is_flag=True, help="No progress, only the result.")
@shared
def run(
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    seed: int | None,
    device: str | None,
    once: bool,
    job: str | None,
    profile: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train SPEC... and record each as an MLflow run (`-` reads from standard input)."""
    given = (*settings, *([f"train.seed={seed}"] if seed is not None else []), *([f"train.device={device}"] if device is not None else []))
    from nnrun.runner.cli.processes.folded import run_folds
    from nnrun.runner.cli.processes.several import Ended, run_several
    from nnrun.runner.tracking.store import Store

    with failures(as_json):
        found = jobs(specs, given)
        refuse([each.checked for each in found], as_json)
        if len(found) > 1 and not Place.here().is_alone:
            raise click.UsageError(f"{len(found)} specs, and {Place.here().size} processes that train together: run one after the other")
        if len(found) > 1 and job is not None:
            raise click.UsageError(f"{len(found)} specs, and `--job {job}` goes on with one run")
        for each in found if not quiet else ():
            if each.checked.spec is not None and each.checked.spec.sweep is not None:
                say(f"note: `nnrun sweep {each.path or '-'}` searches; this runs the spec as written", err=True)
        tell_of_waiting(Store.from_environment())
        one = partial(_run_one, once=once, key=job, profile=profile, as_json=as_json, quiet=quiet)
        folded, single = ([each for each in found if _is_folded(each) == wanted] for wanted in (True, False))
        if folded and (not Place.here().is_alone or job is not None):
            what = (
                f"`{folded[0].name}` is a run for each of its folds, and "
                + ("processes train" if job is None else "`--job` goes on with")
                + " one"
            )
            raise click.UsageError(f"{what}: `--set data.split.fold=1` is the first of them")
        ended = [run_folds(each, one, Store.from_environment(), as_json) for each in folded]
        if len(found) > 1:
            ended += run_several(single, one, as_json)
        else:
            ended += [Ended(Exit.FINE, one(each, None)) for each in single]
    if as_json:
        rows = [one.row for one in ended]
        print_json(rows if len(found) > 1 else rows[0])
    wrong = [one.code for one in ended if one.code] + [Exit.UNDELIVERED for one in ended if not one.row.get("delivered", True)]
    if wrong:
        sys.exit(wrong[0])


def _is_folded(job: Job) -> bool:
    """Whether a spec is as many runs as it has folds."""
    data = job.checked.spec.data if job.checked.spec is not None else None
    return data is not None and data.split.is_folded


def _run_one(job: Job, sidecar: Sidecar | None, once: bool, key: str | None, profile: bool, as_json: bool, quiet: bool) -> dict[str, Any]:
    from nnrun.runner.display import Display
    from nnrun.runner.going_on import begin
    from nnrun.runner.record.times import profile_text
    from nnrun.runner.run import AlreadyRun
    from nnrun.runner.spans import profiled
    from nnrun.runner.tracking.known import FOLD, PARENT
    from nnrun.runner.tracking.store import Store

    store = Store.from_environment()
    if FOLD in job.tags:
        store, key = replace(store, run_id=None), f"{job.tags[PARENT]}-{job.tags[FOLD]}"
    with profiled() if profile else nullcontext() as counted:
        try:
            result = begin(job, key, store, Display(console(stderr=True), quiet=quiet), once, sidecar)
        except AlreadyRun as known:
            return _known(job, known.run, store, as_json)
        answer = told(job, result, store, as_json)
        if counted is not None:
            if not as_json:
                say("\n" + profile_text(counted), nl=False)
            answer["profile"] = {name: round(seconds, 4) for name, (seconds, _) in counted.shares().items()}
    return answer


def told(job: Job, result: Result, store: Store, as_json: bool) -> dict[str, Any]:
    """Print what a run gave; the same for JSON."""
    from nnrun.runner.record.table import links_text, result_table

    delivered = result.delivered
    assert delivered is not None
    if not as_json:
        console().print(result_table(result))
        say(links_text(delivered), nl=False)
        if delivered.links is not None and not store.is_server:
            say("`nnrun ui` in this folder opens them.")
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
        "delivered": delivered.is_complete,
    }


def _known(job: Job, run: KnownRun, store: Store, as_json: bool) -> dict[str, Any]:
    """What there is of a run that need not be made again."""
    from nnrun.runner.record.result import shown
    from nnrun.runner.tracking.links import Links

    link = Links.to(store.address, run.experiment_id, run.run_id).run
    if not as_json:
        say(f"run before, as `{run.name}`:")
        for name, figure in run.metrics.items():
            if name.startswith("test/") or "/best_" in name:
                say(f"  {name:<24} {shown(figure)}")
        say(f"run  {link}")
    return {"spec": job.name, "run_id": run.run_id, "figures": run.metrics, "link": link, "delivered": True, "known": True}
