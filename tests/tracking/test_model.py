"""The model of a run is one of MLflow's: it is loaded and served like any other, and holds no pickle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
import yaml
from mlflow.models import Model, ModelSignature
from mlflow.pyfunc import PyFuncModel
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array
from pandas import DataFrame

from nnrun.runner.tracking.beside.model import write_model
from nnrun.runner.tracking.runs import model_folder
from nnrun.runner.tracking.ui import free_port
from tests.tracking.support import ROOT, Recorded, answers, models_of, wait_until


@pytest.fixture
def address(recorded: Recorded) -> Iterator[str]:
    """Where `mlflow models serve` has the model of the run."""
    folder = model_folder(recorded.store, recorded.run_id).parents[1]
    port = free_port("127.0.0.1", 0)
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(folder), "--env-manager", "local", "--port", str(port)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow looks for its server there
    with subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(ROOT), "PATH": path}, process_group=0, stderr=subprocess.DEVNULL
    ) as server:
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/ping"))
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, 9)


@pytest.mark.parametrize("place", ["runs:/{run}/model", "models:/{model}"])
def test_a_model_is_loaded_by_mlflow(recorded: Recorded, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", recorded.store.uri)
    [model] = models_of(recorded.run)
    loaded: PyFuncModel = mlflow.pyfunc.load_model(place.format(run=recorded.run_id, model=model))

    assert loaded.predict(DataFrame({"x": [1.0, 3.0], "row": [[0.5, 0.5], [0.0, 0.0]]})) == [3.0, 6.0]


@pytest.mark.filterwarnings("ignore:Operation with range")  # within MLflow
def test_the_folder_is_the_one_that_mlflow_writes(tmp_path: Path) -> None:
    data, example = tmp_path / "network", {"x": [1.0, 3.0], "row": [[0.5, 0.5], [0.0, 0.0]]}
    data.mkdir()
    (data / "weights").write_bytes(b"12345")
    schema = Schema([ColSpec(DataType.double, name="x"), ColSpec(Array(DataType.double), name="row")])
    ours, theirs = (Model(artifact_path="place", run_id="run", signature=ModelSignature(inputs=schema)) for _ in range(2))
    write_model(tmp_path / "ours", ours, data, "nnrun", ["nnrun==1.0"], example)
    mlflow.pyfunc.save_model(
        str(tmp_path / "theirs"),
        loader_module="nnrun",
        data_path=str(data),
        mlflow_model=theirs,
        input_example=DataFrame(example),
        pip_requirements=["nnrun==1.0"],
    )

    assert contents(tmp_path / "ours") == contents(tmp_path / "theirs")


def contents(folder: Path) -> dict[str, Any]:
    """All files, read; without what no two models have in common."""
    read: dict[str, Callable[[str], Any]] = {".json": json.loads, ".yaml": yaml.safe_load, "": yaml.safe_load}
    found = {str(file.relative_to(folder)): read.get(file.suffix, str)(file.read_text()) for file in folder.rglob("*") if file.is_file()}
    return found | {"MLmodel": {**found["MLmodel"], "utc_time_created": None, "model_uuid": None}}


def test_a_model_says_what_it_reads(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", recorded.store.uri)
    signature = mlflow.models.get_model_info(f"runs:/{recorded.run_id}/model").signature

    assert str(signature.inputs) == "['x': double (required), 'row': Array(double) (required)]"


def test_a_model_carries_the_last_metrics_of_its_run(recorded: Recorded) -> None:
    [model] = recorded.client.search_logged_models([recorded.experiment_id], f"source_run_id = '{recorded.run_id}'")

    assert {metric.key: metric.value for metric in model.metrics or []}["test/loss"] == 0.5
    assert str(model.status) == "READY"


def test_a_model_holds_no_pickle(recorded: Recorded) -> None:
    folder = model_folder(recorded.store, recorded.run_id)

    assert [path.name for path in folder.iterdir()] == ["factor.txt"]
    assert not [path for path in folder.parents[1].rglob("*") if path.suffix in (".pkl", ".pickle", ".pt")]


def test_a_model_is_served_by_mlflow(address: str) -> None:
    rows = [{"x": 1.0, "row": [0.5, 0.5]}, {"x": 3.0, "row": [0, 0]}]
    body = json.dumps({"dataframe_records": rows}).encode()
    request = urllib.request.Request(f"{address}/invocations", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer) == {"predictions": [3.0, 6.0]}
