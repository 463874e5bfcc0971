"""Options and surroundings of the whole test suite."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from nnrun.runner.tracking.store import Store, sqlite_uri

settings.register_profile("nnrun", deadline=None)  # timings decide no test
settings.load_profile("nnrun")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the expected outputs; read the diff like code")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether expected outputs are to be rewritten."""
    return bool(request.config.getoption("--update"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: looks at pages and pictures in a real browser")


@pytest.fixture(scope="session", autouse=True)
def _environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No telemetry, none of the developer's own settings, and the outbox among the temporary files."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a CI system may have it ignored, and processes inherit that
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            patch.delenv(name)
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow store: making one takes seconds, copying it milliseconds."""
    database = tmp_path_factory.mktemp("template") / "mlflow.db"
    Store(sqlite_uri(database)).create()
    return database
