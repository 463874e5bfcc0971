"""Which store a run goes to, and that a new one is made only once."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

from nnrun.runner.tracking.store import Store, StoreError, sqlite_uri


def test_the_default_is_where_mlflow_ui_looks(tmp_path: Path) -> None:
    store = Store.from_environment(tmp_path, {})

    assert store == Store(f"sqlite:///{tmp_path}/mlflow.db")
    assert store.address == "http://127.0.0.1:5000"


def test_the_environment_of_mlflow_is_honoured(tmp_path: Path) -> None:
    environment = {"MLFLOW_TRACKING_URI": "https://mlflow.example/base/", "MLFLOW_EXPERIMENT_NAME": "mine", "MLFLOW_RUN_ID": "abc"}
    store = Store.from_environment(tmp_path, environment)

    assert store == Store("https://mlflow.example/base/", experiment="mine", run_id="abc")
    assert (store.address, store.database) == ("https://mlflow.example/base", None)


def test_a_relative_database_belongs_to_the_folder_of_the_start(tmp_path: Path) -> None:
    store = Store.from_environment(tmp_path, {"MLFLOW_TRACKING_URI": "sqlite:///runs/all.db"})

    assert store.database == tmp_path / "runs" / "all.db"


@pytest.mark.parametrize("uri", ["file:///tmp/mlruns", "./mlruns", "sqlite://", "sqlite:///:memory:"])
def test_a_store_that_keeps_nothing_is_refused(uri: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"`MLFLOW_TRACKING_URI` is `{uri}`, where MLflow keeps no records of runs") as error:
        Store.from_environment(tmp_path, {"MLFLOW_TRACKING_URI": uri})

    assert "sqlite:///mlflow.db" in str(error.value.help)


@pytest.mark.parametrize("name", ["plain", "with space", "100%", "a#b", "was it?", "50%25"])
def test_a_folder_may_have_any_name(name: str, tmp_path: Path, template: Path) -> None:
    store = Store(sqlite_uri(tmp_path / name / "mlflow.db"))
    (tmp_path / name).mkdir()
    (tmp_path / name / "mlflow.db").write_bytes(template.read_bytes())
    MlflowClient(store.uri).create_experiment("xor")

    assert store.database == tmp_path / name / "mlflow.db"
    assert store.database.read_bytes() != template.read_bytes()


def test_what_a_killed_creation_left_is_in_nobodys_way(tmp_path: Path) -> None:
    store = Store.from_environment(tmp_path / "new", {})
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mlflow.db.new").write_text("half a database")
    (tmp_path / "new" / "mlflow.db.lock").touch()
    store.create()

    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mlflow.db"]
    assert MlflowClient(store.uri).get_experiment("0").artifact_location == f"{tmp_path}/new/mlruns/0"


def test_a_store_that_is_there_is_left_alone(store: Store, template: Path) -> None:
    store.create()

    assert store.database is not None
    assert store.database.read_bytes() == template.read_bytes()
