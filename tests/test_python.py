"""The front door in Python, as a notebook uses it: beside a user's own `runner.py` and `registry.py`, from a checkout and from a wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import nnrun
from nnrun.runner.job import SpecNotFound
from nnrun.runner.launch.place import NotAlone
from tests.tracking.support import ROOT, copied

SPEC = ROOT / "specs" / "mlp_digits.yaml"

Python = Callable[..., str]
"""Runs a script in the user's folder, and gives what it prints."""


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A user's folder: a store, the spec, and two files that are called as our folders."""
    copied(template, tmp_path)
    shutil.copy(SPEC, tmp_path)
    (tmp_path / "runner.py").write_text("OWN = 'a runner of my own'\n")
    (tmp_path / "registry.py").write_text("OWN = 'a registry of my own'\n")
    return tmp_path


def python(folder: Path, script: str, *path: Path) -> str:
    """What a script prints that is run in a folder, with some places to import from; the folder itself comes first, as in a notebook."""
    places = os.pathsep.join(map(str, [folder, *path]))
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=os.environ | {"PYTHONPATH": places}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel of this checkout was unpacked."""
    place = tmp_path_factory.mktemp("wheel")
    files = subprocess.check_output(["git", "-C", ROOT, "ls-files", "-coz", "--exclude-standard"], text=True).split("\0")
    for name in (name for name in files if name.startswith(("nnrun", "runner", "registry", "specs", "pyproject", "README"))):
        target = place / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target, follow_symlinks=False)
    command = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", place, place / "source"]
    subprocess.run([sys.executable, "-m", *command], check=True)
    [file] = place.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(place / "unpacked")
    return place / "unpacked"


NOTEBOOK = """\
import sys
import nnrun

assert nnrun.check("mlp_digits.yaml")
assert "<svg" in nnrun.show("mlp_digits.yaml")._repr_svg_()
assert not {"torch", "mlflow"} & set(sys.modules)
run = nnrun.run("mlp_digits.yaml", set={"train.epochs": 2}, seed=1, quiet=True)
assert run.figures["test/accuracy"] > 0.8
assert str(round(run.figures["test/accuracy"], 4)) in str(run)

from sklearn.datasets import load_digits
import pandas
images = load_digits().images / 16
columns = {"image": images[:20].tolist()}
answers = nnrun.load(run.run_id).predict(columns)
assert answers == run.model.predict(columns)
assert sum(int(a) == b for a, b in zip(answers["digit"], load_digits().target)) > 15
assert nnrun.load("mlp_digits").predict(pandas.DataFrame(columns)).digit.tolist() == answers["digit"]

import registry, runner
print(runner.OWN, registry.OWN, nnrun.__file__, sep="; ")
"""


def test_a_notebook_beside_a_users_own_runner_and_registry(folder: Path) -> None:
    said = python(folder, NOTEBOOK, ROOT)

    assert said == f"a runner of my own; a registry of my own; {ROOT / 'nnrun' / '__init__.py'}\n"


def test_the_same_from_a_wheel(folder: Path, wheel: Path) -> None:
    said = python(folder, NOTEBOOK, wheel)

    assert said == f"a runner of my own; a registry of my own; {wheel / 'nnrun' / '__init__.py'}\n"


def test_the_gallery_comes_with_the_wheel(tmp_path: Path, wheel: Path) -> None:
    place = os.environ | {"PYTHONPATH": str(wheel)}
    command = [sys.executable, "-m", "nnrun", "new", "mine", "--from", "lstm_sentiment"]
    subprocess.run(command, cwd=tmp_path, env=place, check=True, capture_output=True)

    assert "name: mine\n" in (tmp_path / "mine.yaml").read_text()


def test_all_pages_that_can_be_explained_come_with_the_wheel(wheel: Path) -> None:
    pages = {page.relative_to(ROOT) for page in (ROOT / "runner").rglob("*.md")}

    assert {page.relative_to(wheel / "nnrun") for page in (wheel / "nnrun" / "runner").rglob("*.md")} == pages


PYFUNC = """\
import sys, mlflow, pandas, numpy, nnrun
run = nnrun.run("mlp_digits.yaml", set={"train.epochs": 1}, quiet=True)
mlflow.set_tracking_uri("sqlite:///mlflow.db")
place = mlflow.artifacts.download_artifacts(f"runs:/{run.run_id}/model")
print(place)
"""


def test_mlflow_loads_a_model_beside_a_users_own_runner(folder: Path) -> None:
    place = Path(python(folder, PYFUNC, ROOT).strip())
    frame = "pandas.DataFrame({'image': numpy.zeros((2, 1, 8, 8)).tolist()})"
    loading = f"import mlflow, numpy, pandas, runner\nprint(runner.OWN, len(mlflow.pyfunc.load_model({str(place)!r}).predict({frame})))"

    assert yaml.safe_load((place / "MLmodel").read_text())["flavors"]["python_function"]["loader_module"] == "nnrun"
    assert python(folder, loading, ROOT) == "a runner of my own 2\n"


def test_models_of_earlier_runs_load_where_nothing_shadows_the_name_they_give(folder: Path) -> None:
    place = Path(python(folder, PYFUNC, ROOT).strip())
    description = place / "MLmodel"
    description.write_text(description.read_text().replace("loader_module: nnrun", "loader_module: runner.engine.pyfunc"))
    (folder / "runner.py").unlink()
    frame = "pandas.DataFrame({'image': numpy.zeros((2, 1, 8, 8)).tolist()})"
    loading = f"import mlflow, numpy, pandas\nprint(len(mlflow.pyfunc.load_model({str(place)!r}).predict({frame})))"

    assert python(folder, loading, ROOT) == "2\n"


NAMES = """\
import importlib, pkgutil, sys
import {first}
import registry.node, runner, nnrun.runner
names = [one.name for top in (runner, registry) for one in pkgutil.walk_packages(top.__path__, f"{{top.__name__}}.")]
short = [name.removeprefix("nnrun.") for name in names if not name.endswith("__main__")]
for name in short:
    one, other = importlib.import_module(name), importlib.import_module(f"nnrun.{{name}}")
    assert one is other and one.__name__ == one.__spec__.name == f"nnrun.{{name}}", name
files = [module.__file__ for module in set(sys.modules.values()) if (getattr(module, "__name__", "")).startswith("nnrun.")]
assert len(files) == len(set(files))
from nnrun.registry.node import Node
assert registry.node.Node is Node
print(len(short) > 300)
"""


@pytest.mark.parametrize("first", ["registry.node", "runner.compiler.check", "nnrun.runner.engine.network.network"])
@pytest.mark.parametrize("where", ["checkout", "wheel"])
def test_under_any_name_a_file_is_one_module(first: str, where: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    place = ROOT if where == "checkout" else request.getfixturevalue("wheel")

    assert python(tmp_path, NAMES.format(first=first), place) == "True\n"


def test_python_m_runner_is_still_the_command(folder: Path) -> None:
    (folder / "runner.py").unlink()
    for name in ("runner", "nnrun"):
        command = [sys.executable, "-m", name, "check", "mlp_digits.yaml"]
        done = subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)

        assert (done.stdout, done.stderr) == ("1 spec fine\n", "")


def test_a_component_of_another_package_is_a_node_like_ours(folder: Path) -> None:
    for name in ("runner.py", "registry.py"):
        (folder / name).unlink()
    (folder / "others.py").write_text(
        "from typing import Literal\nfrom registry.catalog import register\nfrom registry.node import Node\n\n\n@register\n"
        "class Own(Node):\n    '''Mine.'''\n\n    type: Literal['own']\n\n    def shape(self, x):\n        return x\n"
    )
    text = SPEC.read_text().replace("{type: dropout, rate: 0.2}", "{type: own}")

    assert python(folder, f"import others, nnrun\nprint(nnrun.check({text!r}))", ROOT) == "spec: fine\n"


def test_a_report_prints_as_the_terminal_does() -> None:
    report = nnrun.check("nnrun: 1\nname: wrong\n", set={"train.epochs": 3})

    assert not report
    assert "error[missing-key]: the key `data` is missing" in str(report)
    assert "<span style=" in report._repr_html_()
    assert {"file", "line", "id", "headline", "help"} <= set(report.findings[0])


def test_a_report_shows_signs_of_html_as_they_are() -> None:
    report = nnrun.check(SPEC.read_text().replace("image -> flat", "image -> <b>"))

    assert "&lt;b&gt;" in report._repr_html_()
    assert "<b>" not in report._repr_html_()


def test_what_is_wrong_is_said_where_there_is_nothing_to_give() -> None:
    with pytest.raises(Exception, match=r"error\[unknown-type\]: no node is of type `lineer`"):
        nnrun.show(SPEC.read_text().replace("type: linear", "type: lineer"))
    with pytest.raises(SpecNotFound, match="no file"):
        nnrun.check("no_such.yaml")


def test_a_set_value_is_that_of_the_command_line() -> None:
    drawing = nnrun.show(SPEC, set={"nodes.hidden.units": 7, "track.baseline": "none"})

    assert drawing.plan.values["hidden"].axes == (7,)
    assert "baseline: none" in drawing.resolved


def test_the_python_of_the_readme_runs(folder: Path) -> None:
    (folder / "specs").mkdir()
    shutil.move(folder / "mlp_digits.yaml", folder / "specs")
    blocks = [part.partition("```")[0] for part in (ROOT / "README.md").read_text().split("```python\n")[1:]]

    assert len(blocks) == 1
    for block in blocks:
        assert "digit" in python(folder, block, ROOT)


def test_of_several_processes_each_would_record_a_run_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_PORT": "1"}
    for name, value in places.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(NotAlone, match="from Python one process trains, and 2 were started"):
        nnrun.run(SPEC)
