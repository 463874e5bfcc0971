"""The saved view of an experiment."""

from __future__ import annotations

import json

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from nnrun.runner.tracking.beside.view import different_params, refresh_views, view
from nnrun.runner.tracking.store import Store

FIGURES = {"test/accuracy": 0.98, "test/baseline_accuracy": 0.97, "valid/best_accuracy": 0.99, "valid/accuracy": 0.99, "train/loss": 0.1}


def experiment(store: Store, *runs: dict[str, str], failed: dict[str, str] | None = None) -> tuple[MlflowClient, str]:
    client = MlflowClient(store.uri)
    known = client.create_experiment("digits")
    for params in runs:
        run = client.create_run(known).info.run_id
        figures = [Metric(name, figure, 0, 0) for name, figure in FIGURES.items()]
        client.log_batch(run, metrics=figures, params=[Param(key, value) for key, value in params.items()])
        client.set_terminated(run)
    if failed is not None:
        run = client.create_run(known).info.run_id
        client.log_batch(run, params=[Param(key, value) for key, value in failed.items()])
        client.set_terminated(run, "FAILED")
    return client, known


def test_the_view_has_columns_for_the_result_the_baseline_and_what_differs(store: Store) -> None:
    client, known = experiment(store, {"lr": "0.1", "seed": "0", "units": "8"}, {"lr": "0.2", "seed": "0", "units": "8"})
    refresh_views(client, client.search_runs([known])[0].info.run_id)
    saved = json.loads(client.get_experiment(known).tags["mlflow.sharedViewState.nnrun"])

    assert saved["selectedColumns"][2:] == ["metrics.`test/accuracy`", "metrics.`test/baseline_accuracy`", "params.`lr`"]
    assert (saved["orderByKey"], saved["orderByAsc"]) == ("metrics.`test/accuracy`", False)
    assert [(chart["type"], chart.get("selectedParams")) for chart in saved["compareRunCharts"]] == [
        ("PARALLEL", ["lr"]), ("BAR", None), ("BAR", None), ("BAR", None), ("LINE", None), ("LINE", None)
    ]  # fmt: skip


def test_a_failed_run_makes_no_difference(store: Store) -> None:
    client, known = experiment(store, {"lr": "0.1"}, {"lr": "0.2"}, failed={"lr": "0.1", "momentum": "0.9"})
    columns = view(client.search_runs([known]))["selectedColumns"]

    assert "params.`lr`" in columns
    assert "params.`momentum`" not in columns


def test_the_number_of_weights_differs_only_where_nothing_tells_why(store: Store) -> None:
    client, known = experiment(store, {"units": "8", "parameters": "90"}, {"units": "9", "parameters": "99"})

    assert different_params(client.search_runs([known])) == ["units"]


def test_a_view_without_runs_shows_none(store: Store) -> None:
    client, known = experiment(store)

    assert view(client.search_runs([known]))["compareRunCharts"] == []


def test_a_sweep_has_a_view_of_its_own_runs(store: Store) -> None:
    client, known = experiment(store, {"lr": "0.1"}, {"lr": "0.2", "momentum": "0.9"}, {"lr": "0.3"})
    parent = client.create_run(known, tags={"kind": "sweep"}).info.run_id
    for run in client.search_runs([known], "params.lr != '0.2'"):
        client.set_tag(run.info.run_id, "mlflow.parentRunId", parent)
    refresh_views(client, parent)
    tags = client.get_experiment(known).tags
    sweep, whole = (json.loads(tags[f"mlflow.sharedViewState.nnrun{end}"]) for end in (f"-{parent[:8]}", ""))

    assert sweep["searchFilter"] == f"tags.`mlflow.parentRunId` = '{parent}'"
    assert sweep["selectedColumns"][-1:] == ["params.`lr`"]
    assert whole["selectedColumns"][-2:] == ["params.`lr`", "params.`momentum`"]
