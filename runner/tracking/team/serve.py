"""PostgreSQL and MLflow's server, started and ended together."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from nnrun.runner.owner import signalled_at_its_end
from nnrun.runner.signals import Stopped, stoppable
from nnrun.runner.tracking.store import PORT, StoreError
from nnrun.runner.tracking.team.postgres import Database, check_means
from nnrun.runner.tracking.trouble.secrets import scrubbed
from nnrun.runner.tracking.ui import NotStarted, free_port, stop, wait_for

COMPOSE = Path(__file__).with_name("compose.yaml")
"""The same in containers."""

AFTER = 15.0
"""Seconds that the processes of an earlier start may take to end."""

EVERY = 0.5
"""Seconds between two looks at the processes."""


@dataclass(frozen=True)
class Endpoint:
    """Where the server listens, and how others reach it."""

    host: str = "127.0.0.1"
    port: int = PORT
    address: str | None = None
    """How it is reached, if not by host and port: from other machines, or by a proxy."""
    workers: int = 2
    """Processes that answer."""

    @property
    def uri(self) -> str:
        """What goes into `MLFLOW_TRACKING_URI`."""
        host = socket.gethostname() if self.host in ("0.0.0.0", "::") else self.host
        return self.address.rstrip("/") if self.address else f"http://{host}:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """Variables of MLflow, which answers only those who name it as they should, and whose pages come from itself."""
        name = urlsplit(self.uri).hostname or ""
        hosts = [pattern for host in ("localhost", "127.0.0.1", name) for pattern in (host, f"{host}:*")]
        return {"MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(hosts), "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": self.uri}


def options(host: str, port: int, workers: int, artifacts: str) -> list[str]:
    """How MLflow's server is called; the address of its database and the password are variables, which no list of processes shows."""
    place = ["--host", host, "--port", str(port), "--workers", str(workers)]
    return ["server", *place, "--serve-artifacts", "--artifacts-destination", artifacts, "--uvicorn-opts", "--log-level warning"]


def serve(folder: Path, endpoint: Endpoint, account: str | None, say: Callable[[str], None]) -> None:
    """Serve the store in `folder`, which is made where there is none, until a signal ends it. Raises: StoreError."""
    try:
        with stoppable(), serving(folder, endpoint, account) as processes:
            say(f"MLFLOW_TRACKING_URI={endpoint.uri}")
            while True:
                for name, process in processes.items():
                    if process.poll() is not None:
                        raise StoreError(f"{name} ended by itself with code {process.returncode}", f"the logs in `{folder}` tell more")
                time.sleep(EVERY)
    except Stopped as stopped:
        if stopped.number != signal.SIGINT:
            raise


@contextmanager
def serving(
    folder: Path, endpoint: Endpoint, account: str | None, environment: Mapping[str, str] | None = None
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """PostgreSQL and MLflow's server on a folder while the context lasts, by name: both answer. Raises: StoreError."""
    environment = os.environ if environment is None else environment
    folder = folder.absolute()
    check_means(account)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder) as lock:
        if free_port(endpoint.host, endpoint.port) != endpoint.port:
            raise StoreError(f"port {endpoint.port} is taken on `{endpoint.host}`", "`--port` names another one")
        database = Database.of(folder, account, environment)
        database.make()
        with database.running(folder / "postgres.log", lock) as postgres, _mlflow(folder, endpoint, database, environment, lock) as server:
            yield {"PostgreSQL": postgres, "MLflow's server": server}


@contextmanager
def _mlflow(
    folder: Path, endpoint: Endpoint, database: Database, environment: Mapping[str, str], lock: int
) -> Iterator[subprocess.Popen[bytes]]:
    variables = {
        **endpoint.settings,
        **environment,
        "MLFLOW_BACKEND_STORE_URI": database.uri,
        "PGPASSWORD": database.password,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its processes are for language models
        "MLFLOW_LOGGING_LEVEL": "INFO",  # the last line tells why it did not start
        "PYTHONSAFEPATH": "1",  # a `mlflow.py` in the folder of the store is not run
    }
    log = folder / "mlflow.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *options(endpoint.host, endpoint.port, endpoint.workers, str(folder / "artifacts"))],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder, env=variables, process_group=0, pass_fds=[lock],
            preexec_fn=signalled_at_its_end(signal.SIGTERM),
        )  # fmt: skip
    try:
        wait_for(f"http://{endpoint.host}:{endpoint.port}/health", process)
        yield process
    except NotStarted as error:
        last = log.read_text(errors="replace").strip().rpartition("\n")[2]
        raise StoreError(f"MLflow's server did not start: {scrubbed(last) or error}", f"`{log}` tells more") from error
    finally:
        stop(process)


@contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """Hold the folder against other starts, until all processes have ended that got the file, however this one ends.

    Raises: StoreError.
    """
    with open(folder / "lock", "a") as file:
        end = time.monotonic() + AFTER
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise StoreError(f"the store in `{folder}` is served already", "end that one first, or take another folder") from None
                time.sleep(0.2)
        yield file.fileno()
