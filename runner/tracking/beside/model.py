"""An nnrun model among MLflow's: a folder that holds no pickle, and the name of the module that reads it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType, Array
from pandas import DataFrame


def log_model(client: MlflowClient, run_id: str, key: str, folder: Path, fields: Mapping[str, Any]) -> None:
    """Log the copy of a model in `folder`. `key` marks it, so that it is found again when the same is asked twice."""
    logged = _find(client, run_id, key) or _create(client, run_id, key, fields["name"])
    signature = ModelSignature(inputs=_schema(fields["inputs"]), outputs=_schema(fields["outputs"]))
    # Beside what was kept of the run: the temporary folder is often a small part of the memory.
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        mlflow.pyfunc.save_model(
            f"{place}/model",
            loader_module=fields["loader"],
            data_path=str(folder),
            mlflow_model=Model(artifact_path=logged.artifact_location, run_id=run_id, model_uuid=logged.model_id, model_id=logged.model_id),
            signature=signature,
            input_example=DataFrame(example) if (example := fields.get("example")) is not None else None,
            pip_requirements=fields["requirements"],
        )
        client.log_model_artifacts(logged.model_id, f"{place}/model")
    outputs = client.get_run(run_id).outputs
    if outputs is None or all(output.model_id != logged.model_id for output in outputs.model_outputs):
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    client.finalize_logged_model(logged.model_id, "READY")


def _find(client: MlflowClient, run_id: str, key: str) -> LoggedModel | None:
    experiment_id = client.get_run(run_id).info.experiment_id
    found = client.search_logged_models([experiment_id], f"tags.`nnrun.entry` = '{key}'", max_results=1)
    return found[0] if found else None


def _create(client: MlflowClient, run_id: str, key: str, name: str) -> LoggedModel:
    run = client.get_run(run_id)
    return client.create_logged_model(
        run.info.experiment_id, name=name, source_run_id=run_id, tags={"nnrun.entry": key}, params=run.data.params, model_type="nnrun"
    )


def _schema(columns: Sequence[Mapping[str, Any]]) -> Schema:
    return Schema([ColSpec(_type(column["type"], len(column["shape"])), name=column["name"]) for column in columns])


def _type(name: str, axes: int) -> DataType | Array | AnyType:
    if axes:
        return Array(_type(name, axes - 1))
    return AnyType() if name == "any" else DataType[name]  # type: ignore[no-untyped-call]
