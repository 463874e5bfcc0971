"""Runs that belong to another run: what became of one whose trainer was killed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

from mlflow import MlflowClient

from nnrun.runner.tracking.known import PARENT
from nnrun.runner.tracking.outbox import Folder, usable_outbox
from nnrun.runner.tracking.owner import Owner
from nnrun.runner.tracking.runs import quoted
from nnrun.runner.tracking.store import Store
from nnrun.runner.tracking.sync import sync

WAIT = 60.0
"""Seconds that the deliveries of dead trainers are waited for."""

LAST = 12.0
"""Seconds in which a trainer that has lost its owner ends its run, wherever it is; one that does not is gone, with its machine."""

LOST = "the machine that trained it is gone, or out of reach"


@dataclass(frozen=True)
class Child:
    """A finished run of a parent."""

    run_id: str
    figures: dict[str, float]
    """The last value of each metric."""
    points: dict[int, float]
    """The values of one of them, by step."""


def finished_child(store: Store, parent: str, tags: Mapping[str, str], figure: str) -> Child | None:
    """The finished run of a parent that has some tags, once all is delivered that dead trainers left, and none is going on.

    Nobody else is to train it: what goes on has lost its owner. Raises: MlflowException.
    """
    deliver_left(store)
    client = MlflowClient(store.uri)
    wanted = {PARENT: parent, **tags}
    condition = " AND ".join(f"tags.`{key}` = {quoted(value)}" for key, value in wanted.items())
    experiment = client.get_run(parent).info.experiment_id
    _end_lost(client, experiment, condition)
    found = client.search_runs([experiment], f"attributes.status = 'FINISHED' AND {condition}", max_results=1)
    if not found:
        return None
    run_id = str(found[0].info.run_id)
    points = {metric.step: metric.value for metric in client.get_metric_history(run_id, figure)}
    kept = {"valid/best_step": float(tag.split()[1])} if (tag := found[0].data.tags.get("kept")) else {}
    return Child(run_id, {**found[0].data.metrics, **kept}, points)


def broken_parent(store: Store, experiment: str, tags: Mapping[str, str]) -> str | None:
    """The latest run of an experiment that has some tags, unless it has finished. Raises: MlflowException."""
    deliver_left(store)
    client = MlflowClient(store.uri)
    known = client.get_experiment_by_name(store.experiment or experiment)
    if known is None:
        return None
    condition = " AND ".join(f"tags.`{key}` = {quoted(value)}" for key, value in tags.items())
    latest = client.search_runs([known.experiment_id], condition, max_results=1, order_by=["attributes.start_time DESC"])
    return str(latest[0].info.run_id) if latest and latest[0].info.status != "FINISHED" else None


def _end_lost(client: MlflowClient, experiment_id: str, condition: str) -> None:
    """Wait for runs that end, and end those that do not."""
    end = time.monotonic() + LAST
    while running := client.search_runs([experiment_id], f"attributes.status = 'RUNNING' AND {condition}"):
        if time.monotonic() > end:
            for run in running:
                client.set_tag(run.info.run_id, "error", LOST)
                client.set_terminated(run.info.run_id, "KILLED")
            return
        time.sleep(0.2)


def deliver_left(store: Store) -> None:
    """Wait until MLflow has what trainers of this store that are dead have left; what nobody delivers is delivered here."""
    end = time.monotonic() + WAIT
    tried: set[Folder] = set()
    while (left := [folder for folder in _left(store) if folder not in tried]) and time.monotonic() < end:
        free = [folder for folder in left if not folder.is_held]
        for _ in sync(free, wait=end - time.monotonic()) if free else ():
            pass
        tried |= set(free)
        time.sleep(0.1)


def _left(store: Store) -> list[Folder]:
    """Folders of this store whose trainers are dead."""
    left = []
    for path in usable_outbox().glob("[!.]*/start.json"):
        with contextlib.suppress(FileNotFoundError, ValueError):  # delivered at this moment; or torn by a crash of the machine
            folder = Folder(path.parent)
            owner: Owner = folder.owner
            if folder.store.public == store.public and owner.is_dead(silence=float("inf")):
                left.append(folder)
    return left
