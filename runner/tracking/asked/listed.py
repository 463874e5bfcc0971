"""Many runs that MLflow knows, and the files that they have kept."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nnrun.registry.fault import Fault
from nnrun.runner.tracking.known import KIND
from nnrun.runner.tracking.store import Store

PAGE = 1000
"""Runs that are asked for at once."""


class NothingRecorded(Fault):
    """There is no store, or nothing in it answers to what was asked for."""

    kind = "missing"
    id = "no-run"


@dataclass(frozen=True)
class Listed:
    """A run with all that MLflow's table shows of it."""

    run_id: str
    name: str
    experiment: str
    status: str
    began: int
    """Milliseconds since 1970."""
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    """The last value of each metric."""
    artifacts: str = ""
    """The address of the folder of its files."""

    def tag(self, name: str) -> str | None:
        """A tag of ours, also under the name that it had in earlier versions."""
        return self.tags.get(name, self.tags.get(f"nnrun.{name}"))


def list_runs(store: Store, condition: str = "", experiments: Sequence[str] | None = None) -> list[Listed]:
    """The runs of all experiments or some that meet a condition in MLflow's filter language, the latest first; those with a result.

    Raises: NothingRecorded without a store, or for a condition that MLflow does not understand.
    """
    from mlflow.exceptions import MlflowException

    client = _client(store)
    named = {str(one.experiment_id): one.name for one in client.search_experiments()}
    wanted = [id for id, name in named.items() if experiments is None or name in experiments]
    found: list[Listed] = []
    token = None
    while wanted:
        try:
            with _no_collection():
                page = client.search_runs(wanted, condition, max_results=PAGE, order_by=["attributes.start_time DESC"], page_token=token)
        except MlflowException as error:
            if error.error_code != "INVALID_PARAMETER_VALUE":
                raise
            help = "filters are written like \"params.`train.optimizer.lr` = '0.01' AND metrics.`test/accuracy` > 0.9\""
            raise NothingRecorded(f"MLflow does not understand the filter `{condition}`: {error.message.splitlines()[0]}", help) from error
        for run in page:
            info, data = run.info, run.data
            if KIND in data.tags:
                continue
            found.append(
                Listed(
                    info.run_id,
                    info.run_name,
                    named[str(info.experiment_id)],
                    info.status,
                    info.start_time,
                    dict(data.params),
                    dict(data.tags),
                    dict(data.metrics),
                    info.artifact_uri,
                )
            )
        token = page.token
        if not token:
            break
    return found


def experiment_names(store: Store) -> list[str]:
    """The experiments of a store; none where there is no store."""
    if store.database is not None and not store.database.exists():
        return []
    return [str(one.name) for one in _client(store).search_experiments()]


def kept_file(store: Store, run: Listed, path: str) -> Path | None:
    """A file that a run has kept, on this machine; None where it has none of that name."""
    import mlflow.artifacts

    client, folder = _client(store), str(Path(path).parent)
    if path not in {file.path for file in client.list_artifacts(run.run_id, None if folder == "." else folder)}:
        return None
    # By its place, not by the run: MLflow would draw a progress bar for each.
    return Path(mlflow.artifacts.download_artifacts(f"{run.artifacts}/{path}", tracking_uri=store.uri))


@contextmanager
def _no_collection() -> Iterator[None]:
    """A thousand runs are a hundred thousand objects that all stay: looking for garbage among them takes two thirds of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _client(store: Store):  # type: ignore[no-untyped-def]
    """Raises: NothingRecorded where there is no database yet: MLflow would make one."""
    from mlflow import MlflowClient

    if store.database is not None and not store.database.exists():
        help = "`nnrun SPEC` records a run here; `MLFLOW_TRACKING_URI` names another store"
        raise NothingRecorded(f"no run is recorded here: there is no `{store.database.name}` in `{store.database.parent}`", help)
    return MlflowClient(store.uri)
