"""The saved view of an experiment: a tag with all that MLflow's page of its runs shows, made anew by each run.

Without it the page has neither figures nor params. MLflow keeps it as JSON and opens it by the key in a link; the names are those of
MLflow 3.17. A change of MLflow's would cost the view, not the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from nnrun.runner.tracking.known import FOLDS, KIND, PARENT, SWEEP
from nnrun.runner.tracking.links import VIEW, sweep_view

RUNS = 200
"""The latest runs, among which it is looked for what differs."""

AXES = 5
"""Most params that the picture of parallel coordinates has an axis for: more are narrower than their names."""

COLUMNS = 8
"""Most params that the table has a column for."""

COMPARED = 20
"""Most runs in a chart."""


def refresh_views(client: MlflowClient, run_id: str) -> None:
    """Make the view of a run's experiment that of its runs as they are now, and so the one of the sweep or folds that it belongs to."""
    run = client.get_run(run_id)
    _refresh(client, run.info.experiment_id, VIEW)
    sweep = run_id if run.data.tags.get(KIND) in (SWEEP, FOLDS) else run.data.tags.get(PARENT)
    if sweep is not None:
        _refresh(client, run.info.experiment_id, sweep_view(sweep), f"tags.`{PARENT}` = '{sweep}'")


def _refresh(client: MlflowClient, experiment_id: str, key: str, condition: str = "") -> None:
    runs = client.search_runs([experiment_id], condition, run_view_type=ViewType.ACTIVE_ONLY, max_results=RUNS)
    client.set_experiment_tag(experiment_id, f"mlflow.sharedViewState.{key}", json.dumps(view(runs, condition)))


def view(runs: Sequence[Run], condition: str = "") -> dict[str, Any]:
    """Columns that differ, the result and the baseline; parallel coordinates, bars and curves.

    `runs` are the latest first; `condition` is the filter that gives them.
    """
    runs = [run for run in runs if KIND not in run.data.tags]
    runs = [run for run in runs if run.info.status == "FINISHED"] or runs  # one that failed has no result to compare
    figures = list(dict.fromkeys(name for run in runs for name in run.data.metrics))
    result, beside, watched = _result(figures)
    differing = different_params(runs)
    columns = ["attributes.`Duration`", "attributes.`Dataset`", *(f"metrics.`{name}`" for name in (result, beside) if name)]
    columns += [f"params.`{name}`" for name in differing[:COLUMNS]]
    charts = []
    if result and differing:
        axes = {"selectedParams": differing[:AXES], "selectedMetrics": [result], "showAllRuns": False}
        charts.append(_chart("PARALLEL", "parallel", RESULT, **axes))
    charts += [_bar(name) for name in dict.fromkeys((result, beside, watched and _best(watched))) if name]
    lines = [[watched], ["train/loss", "valid/loss"]] if watched else [["train/loss", "valid/loss"]]
    charts += [_line(known) for names in lines if (known := [name for name in names if name in figures])]
    return {
        "searchFilter": condition,
        "orderByKey": f"metrics.`{result}`" if result else "attributes.start_time",
        "orderByAsc": not result or _is_error(result),
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": columns,
        "compareRunSections": [_section(RESULT, "1 result"), _section(CURVES, "2 curves")],
        "compareRunCharts": charts,
        "isAccordionReordered": True,
    }


def different_params(runs: Iterable[Run]) -> list[str]:
    """The params in which runs differ, but for the number of weights where something else tells why."""
    held = [run.data.params for run in runs]
    names = dict.fromkeys(name for params in held for name in params)
    found = [name for name in names if len({params.get(name) for params in held}) > 1]
    return [name for name in found if name != "parameters"] or found


RESULT, CURVES = "result", "curves"
"""Sections of the charts."""


def _result(figures: Sequence[str]) -> tuple[str | None, str | None, str | None]:
    """The figure that stands for a run, that of its baseline, and the one by which its weights were chosen."""
    label = next((name.partition("/best_")[2] for name in figures if "/best_" in name), None)
    watched = next((f"{part}/{label}" for part in ("valid", "train") if f"{part}/{label}" in figures), None)
    result = next((name for name in (f"test/{label}", f"valid/best_{label}", f"train/best_{label}", "test/loss") if name in figures), None)
    baseline = f"test/baseline_{label}"
    return result, baseline if baseline in figures else None, watched


def _best(watched: str) -> str:
    part, _, label = watched.partition("/")
    return f"{part}/best_{label}"


def _is_error(figure: str) -> bool:
    """Whether less is better, as far as a name tells."""
    return figure.rpartition("/")[2] in {"loss", "rmse", "mae", "mse", "perplexity", "bits_per_character", "log_loss"}


def _section(key: str, name: str) -> dict[str, Any]:
    return {"uuid": key, "name": name, "display": True, "isReordered": True, "deleted": False, "isGenerated": False}


def _chart(kind: str, key: str, section: str, **own: Any) -> dict[str, Any]:
    held = {"uuid": key, "type": kind, "runsCountToCompare": COMPARED, "metricSectionId": section, "deleted": False, "isGenerated": False}
    return {**held, **own}


def _bar(name: str) -> dict[str, Any]:
    return _chart("BAR", f"bar {name}", RESULT, metricKey=name)


def _line(names: Sequence[str]) -> dict[str, Any]:
    axis = {"scaleType": "linear", "xAxisKey": "step", "xAxisScaleType": "linear", "selectedXAxisMetricKey": "", "lineSmoothness": 0}
    return _chart("LINE", f"line {names[0]}", CURVES, metricKey=names[0], selectedMetricKeys=list(names), **axis)
