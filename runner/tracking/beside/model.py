"""An nnrun model among MLflow's: a folder that holds no pickle, and the name of the module that reads it.

The folder is that which `mlflow.pyfunc.save_model` writes, file by file. That function itself looks through all packages that are installed
to see whether the model's requirements are met, which takes a second.
"""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType, Array


def log_model(client: MlflowClient, run_id: str, key: str, folder: Path, fields: Mapping[str, Any]) -> None:
    """Log the copy of a model in `folder`. `key` marks it, so that it is found again when the same is asked twice."""
    logged = _find(client, run_id, key) or _create(client, run_id, key, fields["name"])
    model = Model(
        artifact_path=logged.artifact_location,
        run_id=run_id,
        model_uuid=logged.model_id,
        model_id=logged.model_id,
        signature=ModelSignature(_schema(fields["inputs"]), _schema(fields["outputs"]), _params(fields["params"])),
    )
    # Beside what was kept of the run: the temporary folder is often a small part of the memory.
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        write_model(Path(place, "model"), model, folder, fields["loader"], fields["requirements"], fields.get("example"))
        client.log_model_artifacts(logged.model_id, f"{place}/model")
    outputs = client.get_run(run_id).outputs
    if outputs is None or all(output.model_id != logged.model_id for output in outputs.model_outputs):
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    client.finalize_logged_model(logged.model_id, "READY")


def write_model(
    path: Path, model: Model, data: Path, loader: str, requirements: Sequence[str], example: Mapping[str, Sequence[Any]] | None
) -> None:
    """Write the folder of a model that the module `loader` reads from a copy of `data`."""
    shutil.copytree(data, path / "data" / data.name)
    if example is not None:
        split = {"columns": list(example), "data": [list(row) for row in zip(*example.values(), strict=True)]}
        (path / "input_example.json").write_text(json.dumps(split))
        (path / "serving_input_example.json").write_text(json.dumps({"dataframe_split": split}, indent=2))
        model.saved_input_example_info = {
            "artifact_path": "input_example.json",
            "type": "dataframe",
            "pandas_orient": "split",
            "serving_input_path": "serving_input_example.json",
        }
    model.model_size_bytes = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    python = platform.python_version()
    needed = [_pinned("mlflow"), *requirements]
    building = [_pinned("pip"), _pinned("setuptools"), "wheel"]
    environments = {
        "conda.yaml": {
            "channels": ["conda-forge"],
            "dependencies": [f"python={python}", _pinned("pip", "<="), {"pip": needed}],
            "name": "mlflow-env",
        },
        "python_env.yaml": {"python": python, "build_dependencies": building, "dependencies": ["-r requirements.txt"]},
    }
    for name, described in environments.items():
        (path / name).write_text(yaml.safe_dump(described, sort_keys=False))
    (path / "requirements.txt").write_text("\n".join(needed))
    model.add_flavor(
        "python_function",
        loader_module=loader,
        python_version=python,
        data=f"data/{data.name}",
        env={"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        streamable=False,
        code=None,
    )
    model.save(str(path / "MLmodel"))


def _pinned(package: str, sign: str = "==") -> str:
    """The version that is installed, if one is."""
    try:
        return f"{package}{sign}{version(package)}"
    except PackageNotFoundError:
        return package


def _find(client: MlflowClient, run_id: str, key: str) -> LoggedModel | None:
    experiment_id = client.get_run(run_id).info.experiment_id
    found = client.search_logged_models([experiment_id], f"tags.`nnrun.entry` = '{key}'", max_results=1)
    return found[0] if found else None


def _create(client: MlflowClient, run_id: str, key: str, name: str) -> LoggedModel:
    run = client.get_run(run_id)
    return client.create_logged_model(
        run.info.experiment_id, name=name, source_run_id=run_id, tags={"nnrun.entry": key}, params=run.data.params, model_type="nnrun"
    )


def _params(defaults: Mapping[str, Any]) -> ParamSchema:
    """Texts and whole numbers, or lists of such, that a prediction may be given beside its rows."""
    found = []
    for name, default in defaults.items():
        first = default[0] if isinstance(default, list) else default
        kind = DataType.string if isinstance(first, str) else DataType.long
        found.append(ParamSpec(name, kind, default, (-1,) if isinstance(default, list) else None))
    return ParamSchema(found)


def _schema(columns: Sequence[Mapping[str, Any]]) -> Schema:
    return Schema([ColSpec(_type(column["type"], len(column["shape"])), name=column["name"]) for column in columns])


def _type(name: str, axes: int) -> DataType | Array | AnyType:
    if axes:
        return Array(_type(name, axes - 1))
    return AnyType() if name == "any" else DataType[name]  # type: ignore[no-untyped-call]
