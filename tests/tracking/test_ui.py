"""MLflow's pages, served by us and seen as people see them: in a browser."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from nnrun.runner.tracking.links import Links, comparison_link, experiment_link
from nnrun.runner.tracking.store import Store, StoreError
from nnrun.runner.tracking.ui import free_port, served, show
from tests.tracking.support import ROOT, Recorded, picture

if TYPE_CHECKING:
    from playwright.sync_api import Page

browser = pytest.mark.browser


@pytest.fixture(scope="module")
def address(recorded: Recorded) -> Iterator[str]:
    with served(recorded.store, port=0) as (address, _):
        yield address


def links(recorded: Recorded, address: str) -> Links:
    assert recorded.delivered.previous is not None
    return Links.to(address, recorded.experiment_id, recorded.run_id, recorded.delivered.previous.run_id)


@browser
def test_the_table_of_runs_shows_names_and_metrics(page: Page, errors: list[str], recorded: Recorded, address: str) -> None:
    page.goto(f"{address}/#/experiments/{recorded.experiment_id}/runs?workflowType=machine_learning")
    page.get_by_text("xor second").first.wait_for()
    page.get_by_role("button").filter(has_text="Show more columns").dispatch_event("click")
    page.get_by_title(re.compile("Metrics")).first.click()
    page.keyboard.press("Escape")
    page.get_by_role("columnheader", name="test/loss").first.wait_for()
    picture(page, "table.png")

    assert page.get_by_text("xor first").count() == 1
    assert page.get_by_role("gridcell", name="0.5", exact=True).count() == 2
    assert errors == []


@browser
def test_the_link_to_the_charts_shows_charts(page: Page, errors: list[str], recorded: Recorded, address: str) -> None:
    page.goto(links(recorded, address).charts)
    page.locator(".js-plotly-plot").first.wait_for()
    picture(page, "charts.png")

    assert errors == []


@browser
def test_the_link_to_the_run_shows_its_note_and_model(page: Page, errors: list[str], recorded: Recorded, address: str) -> None:
    page.goto(links(recorded, address).run)
    page.get_by_text("Better").first.wait_for()
    page.get_by_text("Logged models (1)").wait_for()
    picture(page, "run.png")

    assert page.get_by_text("Finished").count() == 1
    assert errors == []


@browser
def test_the_link_to_the_comparison_compares_two_runs(page: Page, errors: list[str], recorded: Recorded, address: str) -> None:
    page.goto(str(links(recorded, address).comparison))
    page.get_by_text("Comparing 2 Runs from 1 Experiment").wait_for()
    picture(page, "comparison.png")

    assert errors == []


def test_a_browser_gets_the_files_of_a_run(recorded: Recorded, address: str) -> None:
    with urllib.request.urlopen(f"{address}/get-artifact?path=plan.bin&run_uuid={recorded.run_id}") as answer:
        assert answer.read() == b"\x00\xff"


def test_a_taken_port_is_left_to_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as owner:
        taken = owner.getsockname()[1]

        assert free_port("127.0.0.1", taken) != taken


def test_nnrun_ui_says_where_to_look_until_it_is_interrupted(recorded: Recorded) -> None:
    names = "from nnrun.runner.tracking.store import Store; from nnrun.runner.tracking.ui import show; "
    script = f"{names}show({recorded.store!r}, 'xor', lambda link: print(link, flush=True), browser=False, port=0)"
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    link = process.stdout.readline().decode().strip()
    address = link.partition("/#")[0]
    with urllib.request.urlopen(f"{address}/health") as answer:
        assert answer.read() == b"OK"
    process.send_signal(2)
    process.communicate(timeout=20)

    assert link == experiment_link(address, recorded.experiment_id)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{address}/health")


def test_a_server_has_its_pages_already(recorded: Recorded, address: str) -> None:
    said: list[str] = []
    show(Store(address), "xor", said.append, browser=False)

    assert said == [experiment_link(address, recorded.experiment_id)]


def test_an_unknown_experiment_is_refused(address: str) -> None:
    with pytest.raises(StoreError, match=r"no experiment at `http.*` is called `yor`"):
        show(Store(address), "yor", print, browser=False)


def test_an_address_of_another_machine_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match=r"`192\.0\.2\.1` is no address of this machine"), served(store, host="192.0.2.1"):
        pass


def test_a_comparison_names_its_runs() -> None:
    assert comparison_link("http://a", "1", ["x", "y"]) == (
        "http://a/#/compare-runs?runs=%5B%22x%22%2C%20%22y%22%5D&experiments=%5B%221%22%5D&workflowType=machine_learning"
    )
