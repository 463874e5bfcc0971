"""Runs whose trainer and whose sidecar both died: MLflow would call them RUNNING for ever."""

from __future__ import annotations

import time
from pathlib import Path

from mlflow import MlflowClient

from nnrun.runner.tracking.outbox import Folder
from nnrun.runner.tracking.plumbing import TAG, Plumbing

ABANDONED = "the training and its recording were killed from outside; found later by another run"


def close_abandoned(client: MlflowClient, experiment_id: str, except_for: str) -> None:
    """Give the status KILLED to the runs of an experiment that nobody works on any more, as far as can be seen from here."""
    condition = f"attributes.status = 'RUNNING' AND tags.{TAG} != ''"
    for run in client.search_runs([experiment_id], condition, max_results=1000):
        run_id, plumbing = run.info.run_id, Plumbing.of(run.data.tags)
        if run_id == except_for or plumbing is None or _is_being_delivered(plumbing):
            continue
        sign = plumbing.last_sign(run.info.start_time)
        # Nobody is left who could give it a status; but somebody may have done so since the search.
        if plumbing.owner.is_dead(silence=time.time() - sign) and client.get_run(run_id).info.status == "RUNNING":
            client.set_tag(run_id, "error", ABANDONED)
            client.set_terminated(run_id, status="KILLED", end_time=int(sign * 1000))


def _is_being_delivered(plumbing: Plumbing) -> bool:
    folder = Folder(Path(plumbing.journal))
    return folder.start.exists() and folder.is_held  # somebody else may have written any folder into the tag
