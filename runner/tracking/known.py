"""A run that MLflow knows."""

from __future__ import annotations

from dataclasses import dataclass

NOTE = "mlflow.note.content"
"""The tag that MLflow shows as a run's or an experiment's description, in Markdown."""

KIND = "kind"
"""A tag of runs that have no result to compare with and no model to ask, such as `find-lr`."""


SWEEP = "sweep"
"""The kind of the run that stands for a sweep."""

FOLDS = "folds"
"""The kind of the run that stands for a cross-validation; as a tag, by which one that was broken off is found again."""

FOLD = "fold"
"""The tag that says which fold a run is."""

PARENT = "mlflow.parentRunId"
"""The tag by which MLflow shows a run below another."""


@dataclass(frozen=True)
class KnownRun:
    """What one wants to know of a run to name it, show it or compare with it."""

    run_id: str
    name: str
    experiment_id: str
    status: str
    metrics: dict[str, float]
    """The last value of each metric."""
