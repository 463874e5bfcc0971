"""Runs whose trainer and whose sidecar both died: MLflow would call them RUNNING for ever."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from mlflow import MlflowClient

from nnrun.runner.tracking.outbox import Folder
from nnrun.runner.tracking.owner import Owner

ABANDONED = "the training and its recording were killed from outside; found later by another run"


def close_abandoned(client: MlflowClient, experiment_id: str, except_for: str) -> None:
    """Give the status KILLED to the runs of an experiment that nobody works on any more, as far as can be seen from here."""
    condition = "attributes.status = 'RUNNING' AND tags.`nnrun.pid` != ''"
    for run in client.search_runs([experiment_id], condition, max_results=1000):
        run_id, tags = run.info.run_id, run.data.tags
        owner, sign = Owner.from_tags(tags), _last_sign(tags, run.info.start_time)
        if run_id == except_for or owner is None or not owner.is_dead(silence=time.time() - sign) or _is_being_delivered(tags):
            continue
        # Nobody is left who could give it a status; but somebody may have done so since the search.
        if client.get_run(run_id).info.status == "RUNNING":
            client.set_tag(run_id, "nnrun.error", ABANDONED)
            client.set_terminated(run_id, status="KILLED", end_time=int(sign * 1000))


def _last_sign(tags: Mapping[str, str], start: int) -> float:
    """When a run was last known to live, in seconds since 1970."""
    beat = tags.get("nnrun.heartbeat")
    return datetime.fromisoformat(beat).timestamp() if beat else start / 1000


def _is_being_delivered(tags: Mapping[str, str]) -> bool:
    folder = Path(tags["nnrun.journal"])
    return folder.exists() and Folder(folder).is_held
