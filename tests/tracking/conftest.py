"""A real store for each test: making one takes seconds, copying one milliseconds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.spawn import Sidecar
from nnrun.runner.tracking.store import Store
from tests.tracking.support import ROOT, Recorded, copied, say_everything

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

CHROMIUM = shutil.which("chromium") or "chromium"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of its own type hints when it is imported
    import mlflow.pyfunc  # noqa: F401


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lands in the current folder by mistake does not land in the project."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Store:
    return copied(template, tmp_path)


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture(scope="session")
def recorded(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("a folder with 100% odd signs #1")
    store, outbox = copied(template, folder), folder / "outbox"
    with Sidecar() as sidecar:  # two runs of one trainer share it
        for round in ("first", "second"):
            recorder = Recorder.start(store, sidecar, outbox)
            say_everything(recorder, round)
            delivered = recorder.finish("FINISHED")
    return Recorded(store, folder, outbox, delivered)


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[Callable[[str, Store], subprocess.Popen[str]]]:
    """Starts a training script as a process of its own; `store` and `outbox` are there already."""
    processes: list[subprocess.Popen[str]] = []

    def start(script: str, store: Store) -> subprocess.Popen[str]:
        prelude = f"""
            import os, signal, sys, time
            from pathlib import Path
            from nnrun.runner.tracking.recorder import Recorder
            from nnrun.runner.tracking.store import Store
            store = {store!r}
            outbox = Path({str(tmp_path / "outbox")!r})
        """
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(prelude) + textwrap.dedent(script)],
                cwd=tmp_path,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="session")
def page() -> Iterator[Page]:
    if shutil.which(CHROMIUM) is None and not os.environ.get("CI"):
        pytest.skip("no chromium here: apt-get install -y --no-install-recommends chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 2600, "height": 1000})
        page.route("**/*", only_loopback)
        yield page
        chromium.close()


@pytest.fixture
def errors(page: Page) -> Iterator[list[str]]:
    """Errors of the pages that a test opens."""
    seen: list[str] = []

    def note(error: object) -> None:
        seen.append(str(error))

    page.on("pageerror", note)
    yield seen
    page.remove_listener("pageerror", note)


def only_loopback(route: Route) -> None:
    if route.request.url.startswith("http://127.0.0.1:"):
        route.continue_()
    else:
        route.abort()
