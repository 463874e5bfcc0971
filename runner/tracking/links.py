"""Addresses of MLflow's pages, for people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote

# Without it a new visitor lands on the pages for chat bots.
_KIND = "workflowType=machine_learning"


VIEW = "nnrun"
"""The key of the view that runs make of their experiment."""

RUN_ID = "RUN-ID"
"""In a note, what stands for the id of its run, which the trainer does not know."""


def artifact_link(run_id: str, path: str) -> str:
    """An artifact of a run, as a note on MLflow's pages can show it."""
    return f"get-artifact?path={quote(path)}&run_uuid={run_id}"


def with_run(note: str, run_id: str) -> str:
    """A note whose links lead to its run."""
    return note.replace(f"&run_uuid={RUN_ID}", f"&run_uuid={run_id}")


@dataclass(frozen=True)
class Links:
    """Where to look at a run."""

    run: str
    charts: str
    """The charts of all runs of the experiment."""
    comparison: str | None = None
    """The run beside the previous one of the same spec."""

    @classmethod
    def to(cls, address: str, experiment_id: str, run_id: str, previous: str | None = None) -> Links:
        """Links to a run at the MLflow server at `address`; `previous` is the run to compare it with."""
        comparison = None if previous is None else comparison_link(address, experiment_id, [previous, run_id])
        run = f"{address}/#/experiments/{experiment_id}/runs/{run_id}?{_KIND}"
        return cls(run, experiment_link(address, experiment_id), comparison)


def sweep_view(run_id: str) -> str:
    """The key of the view that has the runs of one sweep only."""
    return f"{VIEW}-{run_id[:8]}"


def experiment_link(address: str, experiment_id: str, view: str = VIEW) -> str:
    """The charts of an experiment's runs, in a view that is kept up to date."""
    return f"{address}/#/experiments/{experiment_id}/runs?{_KIND}&compareRunsMode=CHART&viewStateShareKey={view}"


def start_link(address: str) -> str:
    """The list of all experiments."""
    return f"{address}/#/experiments?{_KIND}"


def comparison_link(address: str, experiment_id: str, run_ids: list[str]) -> str:
    """Some runs side by side."""
    runs, experiments = quote(json.dumps(run_ids)), quote(json.dumps([experiment_id]))
    return f"{address}/#/compare-runs?runs={runs}&experiments={experiments}&{_KIND}"
