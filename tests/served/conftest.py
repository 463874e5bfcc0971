"""Models of every kind, recorded once, and servers of some."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest

from nnrun.runner.tracking.spawn import Sidecar
from nnrun.runner.tracking.ui import free_port
from tests.served.models import Recorded, record
from tests.tracking.support import ROOT, answers, copied, wait_until

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of its own type hints when it is imported
    import mlflow.pyfunc  # noqa: F401


class Models:
    """Records a network when it is first asked for."""

    def __init__(self, template: Path, place: Path, sidecar: Sidecar) -> None:
        store = copied(template, place)
        self.of = cache(lambda name: record(name, store, sidecar, place))

    def __getitem__(self, name: str) -> Recorded:
        return self.of(name)


@pytest.fixture(scope="session")
def models(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    with Sidecar() as sidecar:
        yield Models(template, tmp_path_factory.mktemp("served"), sidecar)


PATIENCE = 300.0
"""Seconds until a server answers: ten where nothing else runs, but five of them start at a time."""

SERVED = ("image", "text", "table", "series", "writer")


@pytest.fixture(scope="session")
def servers(models: Models) -> Iterator[Mapping[str, str]]:
    """Where `mlflow models serve` has a model of each kind: all start together, and stay for the session."""
    with ExitStack() as running:
        found = {name: running.enter_context(_served(models[name].folder)) for name in SERVED}
        for address in found.values():
            wait_until(lambda address=address: answers(f"{address}/ping"), PATIENCE)  # type: ignore[misc]
        yield found


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    port = free_port("127.0.0.1", 0)
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(folder), "--env-manager", "local", "--port", str(port)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow looks for its server there
    surroundings = os.environ | {"PYTHONPATH": str(ROOT), "PATH": path}
    with subprocess.Popen(command, env=surroundings, process_group=0, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, 9)
