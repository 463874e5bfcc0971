"""A declarative runner for neural-network experiments, from Python.

    import nnrun

    report = nnrun.check("specs/mlp_digits.yaml")       # true if fine; prints what is wrong, and where
    nnrun.show("specs/mlp_digits.yaml")                 # nodes and parameters; the graph in a notebook
    run = nnrun.run("specs/mlp_digits.yaml", set={"train.epochs": 3}, seed=1)
    run.figures["test/accuracy"]
    run.model.predict(frame)                            # a data frame, or a mapping of columns
    nnrun.resume()                                      # goes on with what was broken off
    nnrun.load("mlp_digits").predict(frame)             # the latest finished run; an id or a folder names another

A spec is the path of a file, or a text of more than one line. Nothing here imports torch before it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnrun.runner.face.drawing import Drawing
    from nnrun.runner.face.model import Model
    from nnrun.runner.face.report import Report
    from nnrun.runner.face.run import Run

__all__ = ["check", "load", "resume", "run", "show"]


def check(spec: str | Path, set: Mapping[str, Any] | None = None) -> Report:
    """Find everything that is wrong with a spec, without torch and without data.

    `set` changes values by dotted path: `{"train.optimizer.lr": 0.01}`. Raises: SpecNotFound.
    """
    from nnrun.runner.face.given import job_of
    from nnrun.runner.face.report import Report

    return Report(job_of(spec, set).checked)


def show(spec: str | Path, set: Mapping[str, Any] | None = None) -> Drawing:
    """A spec's nodes with their types and parameters, its plan, and its graph. Raises: SpecErrors, SpecNotFound."""
    from nnrun.runner.compiler.check import SpecErrors
    from nnrun.runner.face.drawing import Drawing
    from nnrun.runner.face.given import job_of

    checked = job_of(spec, set).checked
    if checked.plan is None:
        raise SpecErrors(checked)
    return Drawing(checked, checked.plan)


def run(
    spec: str | Path, set: Mapping[str, Any] | None = None, seed: int | None = None, device: str | None = None, quiet: bool = False
) -> Run:
    """Train, test and record a spec, as `nnrun SPEC` does. `seed` and `device` take the place of those under `train`.

    The run goes to `mlflow.db` in the current folder, or to `MLFLOW_TRACKING_URI`.
    Raises: SpecErrors, SpecNotFound, or another Fault (`nnrun.registry.fault`), each with `message` and `help`.
    """
    from nnrun.runner.face.given import job_of
    from nnrun.runner.face.run import Run

    own = {"train.seed": seed, "train.device": device}
    return Run.of(job_of(spec, {**(set or {}), **{path: value for path, value in own.items() if value is not None}}), quiet)


def resume(run: str | None = None, epochs: int | None = None, quiet: bool = False) -> Run:
    """Go on with a run that was broken off on this machine, by default the last one, as `nnrun resume` does.

    With `epochs` a finished run is trained for longer, up to so many in all, as a new run. Raises: NotResumable, and what `run` raises.
    """
    from nnrun.runner.face.run import Run

    return Run.again(run, epochs, quiet)


def load(run: str | Path) -> Model:
    """The network of a run, named by its id, the beginning of it, its name or that of its experiment, or of a folder.

    Raises: RunNotFound, StoreError, BrokenCheckpoint.
    """
    from nnrun.runner.face.model import Model

    return Model.load(run)


def _load_pyfunc(path: str) -> Model:
    """What MLflow calls for `mlflow.pyfunc.load_model` and `mlflow models serve`."""
    return load(Path(path))
