"""Exit codes as the README has them, for every verb and cause: 0 fine, 1 the spec or its data, 2 usage, 3 the training, 4 missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_cli import FACES, IRIS
from tests.tracking.support import ROOT, copied

FILES = {
    "iris.yaml": IRIS,
    "wrong.yaml": IRIS.replace("type: linear, units: 8", "type: lineer, units: 8"),
    "warned.yaml": IRIS.replace("units: species}", "units: species, activation: softmax}"),
    "faces.yaml": FACES,
    "gone.yaml": FACES.replace("faces.csv", "gone.csv"),
    "other.yaml": FACES.replace("{type: number}", "{type: number, column: weight}"),
    "wild.yaml": IRIS.replace("{type: adam, lr: 1e-2}", "{type: sgd, lr: 1e30}").replace("tanh", "relu"),
    "gpu.yaml": IRIS.replace("epochs: 5", "epochs: 5\n  device: cuda:9"),
    "faces.csv": "code;size;kind\nx;1;a\ny;large;b\n",
    "rows.csv": "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n",
    "less.csv": "sepal_length\n5.1\n",
    "bad.csv": "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,none\n",
}

CASES = {
    "check": [("iris.yaml", 0), ("warned.yaml", 0), ("gone.yaml", 0), ("wrong.yaml", 1), ("other.yaml", 1), ("none.yaml", 4), ("empty", 2)],
    "show": [("iris.yaml", 0), ("wrong.yaml", 1), ("none.yaml", 4), ("iris.yaml --graph png", 2), (". --plan", 2)],
    "diff": [
        ("iris.yaml iris.yaml", 0), ("iris.yaml warned.yaml", 0), ("iris.yaml warned.yaml --exit-code", 1),
        ("iris.yaml iris.yaml --exit-code", 0),
        ("iris.yaml --set train.epochs=2", 0), ("iris.yaml --set train.epochs=2 --exit-code", 1), ("iris iris.yaml", 0), ("iris iris", 0),
        ("iris.yaml wrong.yaml", 1), ("iris.yaml --set train.epoch=2", 1), ("iris.yaml", 2), ("- -", 2), (". iris.yaml", 2),
        ("iris.yaml none.yaml", 4), ("irsi iris.yaml", 4),
    ],
    "smoke": [("iris.yaml", 0), ("wrong.yaml", 1), ("none.yaml", 4)],
    "explain": [("lstm", 0), ("shape-mismatch", 0), ("bad-data", 0), ("window", 0), ("lstmm", 2)],
    "nodes": [("", 0), ("--role nod", 2)],
    "schema": [("", 0)],
    "run": [
        ("iris.yaml --set train.epochs=1", 0), ("wrong.yaml", 1), ("faces.yaml", 1), ("iris.yaml --set train.epoch=1", 1),
        ("iris.yaml --epochs 1", 2), ("", 2), ("wild.yaml", 3), ("none.yaml", 4), ("gone.yaml", 4), ("gpu.yaml", 4),
    ],
    "predict": [
        ("iris --input rows.csv", 0), ("iris --input less.csv", 1), ("iris --input bad.csv", 1), ("iris", 2),
        ("iris --input none.csv", 4), ("irsi --input rows.csv", 4),
    ],
    "generate": [("iris", 1), ("iris --sweeps 3", 1), ("iris --sweeps none", 2), ("irsi", 4)],
    "sweep": [("", 2), ("iris.yaml", 2), ("wrong.yaml", 1), ("none.yaml", 4)],
    "sync": [("", 0)],
    "cache": [("", 0), ("lists", 2)],
    "new": [("mine", 0), ("iris", 2), ("a/b", 2), ("third --data none.csv", 4), ("less --data less.csv", 1)],
    "find-lr": [("iris.yaml", 0), ("wrong.yaml", 1), ("faces.yaml", 1), (".", 2), ("none.yaml", 4), ("gone.yaml", 4)],
    "runs": [("", 0), ("iris --csv", 0), ("--json --csv", 2), ("irsi", 4), ("none.yaml", 4)],
    "compare": [("iris iris", 0), ("", 2), ("irsi iris", 4), ("iris --metric loudness", 4)],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Specs and data that are right or wrong, and a store with a finished run of `iris`."""
    place = tmp_path_factory.mktemp("codes")
    for name, text in FILES.items():
        (place / name).write_text(text)
    (place / "empty").mkdir()
    copied(template, place)
    assert call(place, "run", "iris.yaml", "--set", "train.epochs=1").returncode == 0
    return place


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nnrun", *words]
    return subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("verb", "words", "code"), [(verb, *case) for verb, cases in CASES.items() for case in cases])
def test_a_verb_ends_with_the_code_of_its_cause(folder: Path, verb: str, words: str, code: int) -> None:
    done = call(folder, verb, *words.split())

    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr


def test_a_store_that_is_none_is_missing(folder: Path) -> None:
    command = [sys.executable, "-m", "nnrun", "iris.yaml", "--quiet"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": "file:./runs"}

    assert subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False).returncode == 4


def test_a_model_that_was_changed_is_missing(folder: Path, tmp_path: Path) -> None:
    weights = next(folder.rglob("weights.safetensors"))
    shutil.copytree(weights.parent, tmp_path / "model")
    (tmp_path / "model" / "facts.json").write_text("{}")
    done = call(folder, "predict", str(tmp_path / "model"), "--input", "rows.csv")

    assert (done.returncode, "Traceback" in done.stderr) == (4, False), done.stderr
