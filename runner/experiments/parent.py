"""A run that stands above others, which must know its id."""

from __future__ import annotations

from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.store import Store, StoreError
from nnrun.runner.tracking.trouble.patience import Patience

ANSWER = 120.0
"""Seconds that MLflow is waited for at the start."""


def run_id_of(recorder: Recorder, store: Store, what: str, help: str | None = None) -> str:
    """The id of the run that a recorder has opened. Raises: StoreError if MLflow gives none."""
    patience = Patience(store.address if store.is_server else None, ANSWER)
    while (run_id := recorder.run_id(wait=1.0)) is None:
        if not patience.lasts(0, trouble := recorder.trouble):
            raise StoreError(f"{what} has no run at `{store.public}`: {trouble or 'MLflow does not answer'}", help)
    return run_id
