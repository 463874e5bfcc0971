"""The verb that puts a training into the queue of a cluster."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from nnrun.runner.cli import complete
from nnrun.runner.cli.console import failures, hand_over, one_job, print_json, refuse, say
from nnrun.runner.cli.group import json_option, main, settings_option

if TYPE_CHECKING:
    from nnrun.runner.job import Job
    from nnrun.runner.launch.queued import Queue, Training
    from nnrun.runner.tracking.store import Store


LOCAL = ("localhost", "127.0.0.1", "::1")


@main.command()
@click.argument("spec", shell_complete=complete.specs)
@click.option("--on", type=click.Choice(["slurm", "ray"]), required=True, help="The batch system.")
@settings_option
@click.option("--seed", type=click.IntRange(min=0), help="Seed of start values and batches, in place of train.seed.")
@click.option("--nodes", type=click.IntRange(1, 4096), default=1, help="Machines that train together; 1 where it is left out.")
@click.option("--devices", type=click.IntRange(1, 1024), default=1, help="Processes of each that share a batch; 1 where it is left out.")
@click.option("--time", metavar="TIME", help="SLURM: most time until it makes way for others and waits for its next turn.")
@click.option("--partition", metavar="NAME", help="SLURM: where it looks for nodes.")
@click.option("--sbatch", "given", multiple=True, metavar="KEY=VALUE", help="SLURM: any other option: gpus-per-node=4, account=physics.")
@click.option("--address", metavar="URL", help="Ray: that of its dashboard, http://10.0.0.1:8265; else where Ray itself looks for it.")
@click.option("--dry-run", is_flag=True, help="Print what the batch system would be given, and submit nothing.")
@json_option
def submit(
    spec: str,
    on: str,
    settings: tuple[str, ...],
    seed: int | None,
    nodes: int,
    devices: int,
    time: str | None,
    partition: str | None,
    given: tuple[str, ...],
    address: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Put the training of SPEC into the queue of a cluster. Each time that it has to make way it is saved, and goes on in the same run.

    A run goes on from what lies in XDG_STATE_HOME, by default ~/.local/state: all nodes must share that folder, as they share the spec's.
    """
    from nnrun.runner.launch.queued import NotSubmitted, Training
    from nnrun.runner.tracking.store import Store

    changes = (*settings, *([f"train.seed={seed}"] if seed is not None else []))
    with failures(as_json):
        job = one_job(spec, changes)
        if job.path is None:
            raise click.UsageError("the spec is read when the job begins: give a file")
        refuse([job.checked], as_json)
        store = Store.from_environment()
        if nodes > 1 and store.is_of_this_machine:
            help = "let `MLFLOW_TRACKING_URI` name an MLflow server by an address that all nodes reach; `nnrun serve` keeps one"
            raise NotSubmitted(f"{nodes} nodes do not all reach the store `{store.public}`", help)
        assert job.checked.spec is not None
        words = (sys.executable, "-m", "nnrun", "run", str(job.path), *(part for one in changes for part in ("--set", one)))
        training = Training(job.checked.spec.name, os.getcwd(), nodes, devices, words)
        queue: Queue
        if on == "slurm":
            _refuse("--on ray", address=address)
            queue = _slurm(training, {"time": time, "partition": partition}, given)
        else:
            _refuse("--on slurm", time=time, partition=partition, sbatch=given)
            queue = _ray(training, job, store, address)
        if dry_run:
            hand_over(queue.text)
            return
        submitted = queue.submit()
    if as_json:
        print_json({"job": submitted.job, "log": submitted.log})
    else:
        say(f"job {submitted.job} is in the queue; what it says: {submitted.log}")


def _slurm(training: Training, named: dict[str, str | None], given: tuple[str, ...]) -> Queue:
    from nnrun.runner.launch.slurm import Slurm, parsed

    try:
        asked = parsed(given)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return Slurm(training, asked | {key: value for key, value in named.items() if value is not None})


def _ray(training: Training, job: Job, store: Store, address: str | None) -> Queue:
    from nnrun.runner.launch.on_ray import OnRay
    from nnrun.runner.launch.queued import NotSubmitted

    if store.public != store.uri:
        help = "leave them out of `MLFLOW_TRACKING_URI`, and let MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD be set on the nodes"
        raise NotSubmitted("Ray would show the store's user and password, as all variables of a job, to everybody on the cluster", help)
    if store.is_of_this_machine and urlsplit(address or "").hostname not in (None, *LOCAL):
        help = "let `MLFLOW_TRACKING_URI` name an MLflow server by an address that all nodes reach; `nnrun serve` keeps one"
        raise NotSubmitted(f"the cluster of `{address}` does not reach the store `{store.public}`", help)
    assert job.checked.plan is not None
    train = job.checked.plan.spec.train
    assert train is not None
    return OnRay(training, 1 if train.threads == "auto" else int(train.threads), train.device, address)


def _refuse(needed: str, **options: object) -> None:
    """Raises: UsageError where an option of another batch system is given."""
    for name, value in options.items():
        if value:
            raise click.UsageError(f"`--{name}` goes with `{needed}`")
