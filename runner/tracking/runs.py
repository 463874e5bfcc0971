"""Runs that are there already: found by a name, fetched with their model, compared with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException

from nnrun.registry.fault import Fault
from nnrun.runner.tracking.known import FOLD, KIND, KnownRun
from nnrun.runner.tracking.store import Store

PREFIX = 4
"""Least number of characters that name a run by the beginning of its id."""

QUOTES = r"['\"\\]"


class RunNotFound(Fault):
    """No run, or no model of a run, answers to what was asked for."""

    kind = "missing"
    id = "no-run"


def find_run(store: Store, reference: str) -> KnownRun:
    """The run that `reference` names: an id, the unique beginning of one, the name of a run or the four letters at its end, or an
    experiment's latest finished run.

    Raises: RunNotFound; MlflowException if the store does not answer.
    """
    if store.database is not None and not store.database.exists():  # MLflow would make it
        raise RunNotFound(f"no run is called `{reference}`: there are none at `{store.public}`", help="`nnrun SPEC` records one")
    client = MlflowClient(store.uri)
    experiments = [str(experiment.experiment_id) for experiment in client.search_experiments()]
    by_name = equal("attributes.run_name", reference)
    filters = [by_name]
    if len(reference) >= PREFIX and re.fullmatch("[0-9a-f]+", reference):
        filters.insert(0, f"attributes.run_id LIKE '{reference}%'")
    if re.fullmatch(f"[a-z]{{{PREFIX}}}", reference):
        filters.append(f"attributes.run_name LIKE '%· {reference}'")
    for condition in filters:
        runs: list[Run] = client.search_runs(experiments, condition, max_results=6)
        if condition is by_name:
            runs = [run for run in runs if run.info.run_name == reference]
        if len(runs) > 1:
            raise RunNotFound(
                f"`{reference}` names {'at least ' if len(runs) > 5 else ''}{len(runs)} runs: "
                + ", ".join(run.info.run_id for run in runs[:5]),
                help="more characters of the id make it one",
            )
        if runs:
            return _known(runs[0])
    experiment = client.get_experiment_by_name(reference)
    if experiment is None:
        raise RunNotFound(f"no run and no experiment at `{store.public}` is called `{reference}`", help=_latest(client, experiments))
    return _latest_finished(client, experiment)


def model_folder(store: Store, run_id: str, name: str = "model") -> Path:
    """The folder that `Recorder.model` kept, on this machine; a copy is fetched where it lies elsewhere.

    Raises: RunNotFound if the run has no such model, or it is gone; MlflowException, OSError if the store does not answer.
    """
    client = MlflowClient(store.uri)
    run = client.get_run(run_id)
    condition = f"name = {quoted(name)} AND source_run_id = {quoted(run_id)}"
    models = client.search_logged_models(
        [run.info.experiment_id], condition, max_results=1, order_by=[{"field_name": "creation_timestamp", "ascending": False}]
    )
    if not models:
        raise RunNotFound(
            f"run `{run.info.run_name}` has no model `{name}`; its status is {run.info.status}",
            help="a run keeps its model when it has finished",
        )
    # By its place, not as `models:/ID`: that is looked up in the store of the current folder, whatever is asked.
    try:
        folder = mlflow.artifacts.download_artifacts(models[0].artifact_location, tracking_uri=store.uri)
    except MlflowException as error:
        place = models[0].artifact_location
        help = "run the spec again, or name another run"
        raise RunNotFound(f"the model of run `{run.info.run_name}` cannot be fetched from `{place}`: {error.message}", help) from error
    return Path(folder, "data", name)


def kept_text(store: Store, run: KnownRun, path: str) -> str:
    """A text that a run has kept, such as `spec/resolved.yaml`.

    Raises: RunNotFound if the run has none there, or it is gone; MlflowException, OSError if the store does not answer.
    """
    place = f"{MlflowClient(store.uri).get_run(run.run_id).info.artifact_uri}/{path}"
    try:
        return Path(mlflow.artifacts.download_artifacts(place, tracking_uri=store.uri)).read_text(encoding="utf-8")
    except (MlflowException, FileNotFoundError) as error:
        raise RunNotFound(f"run `{run.name}` has no `{path}`: {error}", help="runs of nnrun keep one when they begin") from error


def previous_run(client: MlflowClient, run_id: str) -> KnownRun | None:
    """The finished run of the same spec that began last before this one; none for a fold, which no other is like."""
    run = client.get_run(run_id)
    if FOLD in run.data.tags:
        return None
    spec = run.data.tags.get("spec", "")
    condition = f"attributes.status = 'FINISHED' AND attributes.start_time < {run.info.start_time} AND tags.spec = {quoted(spec)}"
    found = client.search_runs([run.info.experiment_id], condition, max_results=100, order_by=["attributes.start_time DESC"])
    return next((_known(run) for run in found if KIND not in run.data.tags and FOLD not in run.data.tags), None)


def same_run(store: Store, experiment: str, tags: Mapping[str, str]) -> KnownRun | None:
    """The latest finished run of an experiment that has all of these tags. Raises: MlflowException if the store does not answer."""
    store.create()
    client = MlflowClient(store.uri)
    known = client.get_experiment_by_name(store.experiment or experiment)
    if known is None:
        return None
    condition = " AND ".join(["attributes.status = 'FINISHED'", *(f"tags.`{tag}` = {quoted(value)}" for tag, value in tags.items())])
    found = client.search_runs([known.experiment_id], condition, max_results=100, order_by=["attributes.start_time DESC"])
    return next((_known(run) for run in found if KIND not in run.data.tags), None)


def quoted(text: str) -> str:
    """The text as MLflow's filters take it; they know no escapes, so it has not both kinds of quotes."""
    return f'"{text}"' if "'" in text else f"'{text}'"


def equal(key: str, text: str) -> str:
    """The condition that `key` is this text; where it has both kinds of quotes, other signs may stand for them and for backslashes."""
    if "'" in text and '"' in text:
        return f"{key} LIKE '{re.sub(QUOTES, '_', text)}'"
    return f"{key} = {quoted(text)}"


def _latest_finished(client: MlflowClient, experiment: Experiment) -> KnownRun:
    runs = client.search_runs([experiment.experiment_id], max_results=100, order_by=["attributes.start_time DESC"])
    for run in runs:
        if run.info.status == "FINISHED" and KIND not in run.data.tags:
            return _known(run)
    states = ", ".join(sorted({run.info.status for run in runs})) or "it has none"
    raise RunNotFound(f"experiment `{experiment.name}` has no finished run among its latest: {states}", help="name a run by its id")


def _latest(client: MlflowClient, experiments: list[str]) -> str | None:
    runs = client.search_runs(experiments, max_results=1, order_by=["attributes.start_time DESC"])
    return f"the latest run is `{runs[0].info.run_name}`, {runs[0].info.run_id}" if runs else None


def _known(run: Run) -> KnownRun:
    info = run.info
    return KnownRun(info.run_id, info.run_name, info.experiment_id, info.status, dict(run.data.metrics))
