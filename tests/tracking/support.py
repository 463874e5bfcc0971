"""What several tests of the tracking need."""

from __future__ import annotations

import io
import math
import os
import re
import shutil
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Run
from PIL import Image

from nnrun.runner.tracking.delivered import Delivered
from nnrun.runner.tracking.recorder import ModelColumn, Recorder
from nnrun.runner.tracking.store import Store, sqlite_uri

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
INPUTS = [ModelColumn("x", "double"), ModelColumn("row", "double", (2,))]
OUTPUTS = [ModelColumn("y", "double")]


@dataclass
class Recorded:
    """A store with two finished runs of one spec; `delivered` is the later."""

    store: Store
    folder: Path
    outbox: Path
    delivered: Delivered

    @property
    def run_id(self) -> str:
        return str(self.delivered.run_id)

    @property
    def experiment_id(self) -> str:
        return str(self.delivered.experiment_id)

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.store.uri)

    @property
    def run(self) -> Run:
        return self.client.get_run(self.run_id)

    def history(self, key: str) -> list[Metric]:
        return self.client.get_metric_history(self.run_id, key)

    def file(self, path: str) -> str:
        return Path(self.client.download_artifacts(self.run_id, path)).read_text()


def skip_without_packages(spec: Path) -> None:
    """Skip a test where a package is not installed from which a spec takes files."""
    for name in re.findall(r"package:([^/]+)/", spec.read_text()):
        if not any(distributions(name=name)):
            pytest.skip(f"{name} is not installed")


def copied(template: Path, folder: Path) -> Store:
    return Store(sqlite_uri(Path(shutil.copy(template, folder / "mlflow.db"))))


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def say_everything(recorder: Recorder, round: str) -> None:
    """All that can be said of a run."""
    params = {f"nodes.n[{number}]": number for number in range(150)} | {"long": "x" * 7000}
    tags = {"nnrun.graph": "abc", "long": "y" * 9000}
    recorder.open("xor", f"xor {round}", params, tags, "# A note", description="Exclusive or.", source=ROOT / "README.md")
    for step in range(1200):
        recorder.metrics(step, {"train/loss": 1 / (step + 1), "valid/loss": math.nan if step == 7 else math.inf})
    recorder.tags({"nnrun.graph": "def"})
    recorder.note("**Better** than the baseline")
    recorder.artifact("spec/source.yaml", "nnrun: 1")
    recorder.artifact("spec/source.yaml", "nnrun: 1  # later")
    recorder.artifact("plan.bin", b"\x00\xff")
    recorder.table("predictions.json", {"x": [1, 2], "said": ["yes", math.nan]})
    for step in (0, 40):
        recorder.image("filters/conv1", step, png(step))
    recorder.model({"factor.txt": b"2"}, loader="tests.tracking.stand_in", inputs=INPUTS, outputs=OUTPUTS, requirements=["numpy"])
    recorder.metrics(1200, {"test/loss": 0.5})


def png(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (600, 300), shade).save(file, "png")
    return file.getvalue()


def models_of(run: Run) -> list[str]:
    """Ids of the models that a run made."""
    return [] if run.outputs is None else [output.model_id for output in run.outputs.model_outputs]


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, where `NNRUN_PICTURES` names a folder."""
    if folder := os.environ.get("NNRUN_PICTURES"):
        page.screenshot(path=Path(folder, name))
