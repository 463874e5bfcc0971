"""What people find in MLflow's pages when they compare runs: names, params, figures, pictures, data, and the view that opens them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlflow import MlflowClient

from nnrun.runner.tracking.links import RUN_ID, Links, artifact_link
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.spawn import Sidecar
from nnrun.runner.tracking.ui import served
from tests.tracking.support import copied, picture, png, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

RUNS = {
    "as written · aaaa": {"train.optimizer.lr": "0.01", "nodes.hidden.units": "32", "train.seed": "0"},
    "lr=0.1 · bbbb": {"train.optimizer.lr": "0.1", "nodes.hidden.units": "32", "train.seed": "0"},
    "units=64 · cccc": {"train.optimizer.lr": "0.01", "nodes.hidden.units": "64", "train.seed": "0"},
    "seed=1 · dddd": {"train.optimizer.lr": "0.01", "nodes.hidden.units": "32", "train.seed": "1"},
}
"""Params of four runs: learning rate, width and seed differ."""


@dataclass(frozen=True)
class Compared:
    """Four runs of an experiment on a server, each with its figure."""

    address: str
    experiment: str
    ids: list[str]

    @property
    def links(self) -> Links:
        return Links.to(self.address, self.experiment, self.ids[-1], self.ids[0])


@pytest.fixture(scope="module")
def compared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    folder = tmp_path_factory.mktemp("compared")
    store, ids = copied(template, folder), []
    with Sidecar() as sidecar:
        for number, (name, params) in enumerate(RUNS.items()):
            recorder = Recorder.start(store, sidecar, folder / "outbox")
            recorder.open("digits", name, {**params, "train.batch_size": "32"}, {"command": "nnrun digits.yaml"}, description="Digits.")
            recorder.dataset("digits", "84e42820", "digits", {"train": 80, "valid": 10, "test": 10})
            for step in range(0, 30, 10):
                recorder.metrics(step, {"valid/accuracy": 0.5 + 0.01 * step, "train/loss": 1 / (1 + step)})
                recorder.image("filters/conv1", step, png(step))
            recorder.metrics(0, {"test/accuracy": 0.9 + 0.01 * number, "test/baseline_accuracy": 0.89, "valid/best_accuracy": 0.7})
            recorder.artifact("curves.png", png(200))
            recorder.note(
                f"**test accuracy 0.9{number}, logistic regression 0.89**\n\n![curves.png]({artifact_link(RUN_ID, 'curves.png')})"
            )
            client, run_id = MlflowClient(store.uri), str(recorder.run_id(60))
            wait_until(lambda: "system/cpu_utilization_percentage" in client.get_run(run_id).data.metrics)  # noqa: B023  (called at once)
            ids.append(run_id)
            experiment = str(recorder.finish("FINISHED").experiment_id)
    with served(store, port=0) as (address, _):
        yield Compared(address, experiment, ids)


WATCH_LINES = """
const own = CanvasRenderingContext2D.prototype;
window.drawnLines = new Set();
for (const name of ["beginPath", "moveTo", "lineTo", "bezierCurveTo", "stroke"]) {
  const before = own[name];
  own[name] = function (...numbers) {
    if (name === "beginPath") this.way = [];
    else if (name === "stroke") { if (this.canvas.classList.contains("foreground")) window.drawnLines.add(JSON.stringify(this.way)); }
    else (this.way ??= []).push(numbers.map(Math.round));
    return before.apply(this, numbers);
  };
}
"""
"""Keeps the ways of all lines that are drawn in the picture of parallel coordinates."""


def test_the_link_to_the_charts_opens_the_view(page: Page, errors: list[str], compared: Compared) -> None:
    page.goto(compared.links.charts)
    page.locator(".js-plotly-plot").nth(2).wait_for()
    picture(page, "view.png")

    assert page.get_by_text("4 matching runs").count() == 1
    assert [page.get_by_role("link", name=name).count() for name in RUNS] == [1] * 4
    for chart in ("Parallel Coordinates", "test/accuracy", "test/baseline_accuracy", "valid/best_accuracy"):
        assert page.get_by_text(chart, exact=True).count() >= 1, chart
    assert errors == []


def test_four_runs_that_differ_are_four_lines(page: Page, errors: list[str], compared: Compared) -> None:
    page.add_init_script(WATCH_LINES)
    page.goto("about:blank")
    page.goto(compared.links.charts)
    page.locator("svg .dimension").nth(3).wait_for(state="attached")
    wait_until(lambda: page.evaluate("window.drawnLines.size") > 0)
    picture(page, "parallel.png")

    assert page.locator("svg .dimension").count() == 4  # learning rate, width, seed and the result
    assert page.evaluate("window.drawnLines.size") == 4
    assert errors == []


def test_the_table_has_the_result_the_baseline_what_differs_and_the_data(page: Page, errors: list[str], compared: Compared) -> None:
    page.goto(compared.links.charts.replace("&compareRunsMode=CHART", ""))
    page.get_by_role("columnheader", name="train.seed").first.wait_for()
    picture(page, "runs.png")

    for column in ("test/accuracy", "test/baseline_accuracy", "train.optimizer.lr", "nodes.hidden.units", "Dataset"):
        assert page.get_by_role("columnheader", name=column).count() >= 1, column
    assert page.get_by_role("columnheader", name="train.batch_size").count() == 0  # it is equal in all
    assert page.get_by_text("digits (84e42820)").count() == 4
    shown = page.get_by_role("gridcell", name=re.compile(r"^0\.9[1-3]?$")).all_inner_texts()
    assert [text.strip() for text in shown] == ["0.93", "0.92", "0.91", "0.9"]  # the best first
    assert errors == []


def test_a_runs_page_shows_the_verdict_and_a_picture_first(page: Page, errors: list[str], compared: Compared) -> None:
    page.goto(compared.links.run)
    page.get_by_text("test accuracy 0.93, logistic regression 0.89").wait_for()
    shown = page.locator("img[src*='path=curves.png']")
    shown.wait_for(state="attached")
    wait_until(lambda: bool(shown.evaluate("image => image.complete && image.naturalWidth > 0")))
    picture(page, "page.png")

    assert errors == []


def test_the_slider_of_pictures_opens_with_one(page: Page, errors: list[str], compared: Compared) -> None:
    page.goto(compared.links.run.replace("?", "/model-metrics?", 1))
    page.get_by_text("filters/conv1").first.wait_for()
    page.locator("img").first.wait_for(state="attached")
    picture(page, "slider.png")

    assert page.get_by_role("slider").first.get_attribute("aria-valuenow") == "0"
    assert page.get_by_text("No image logged").count() == 0
    assert errors == []


def test_the_machine_was_measured(page: Page, errors: list[str], compared: Compared) -> None:
    page.goto(compared.links.run.replace("?", "/system-metrics?", 1))
    page.get_by_text("cpu_utilization_percentage").first.wait_for()
    picture(page, "system.png")

    assert page.get_by_text("system_memory_usage_megabytes").count() >= 1
    assert errors == []
