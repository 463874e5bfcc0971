"""MLflow's pages in a browser, light and at the right place."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nnrun.runner.signals import Stopped, stoppable
from nnrun.runner.tracking.links import experiment_link, start_link
from nnrun.runner.tracking.store import PORT, Store, StoreError
from nnrun.runner.tracking.trouble.secrets import scrubbed

START = 120.0
"""Seconds that the server may take to start."""


def show(
    store: Store,
    experiment: str | None,
    say: Callable[[str], None],
    *,
    browser: bool = True,
    host: str = "127.0.0.1",
    port: int = PORT,
) -> None:
    """Show the charts of an experiment, or the list of all, until Ctrl-C. `say` gets the link; `browser` opens it.

    A store that is a server already has its pages; then there is only the link. Raises: StoreError.
    """
    if store.is_server:
        _point(_link(store, store.address, experiment), say, browser)
        return
    try:
        with stoppable(), served(store, host, port) as (address, process):
            _point(_link(store, address, experiment), say, browser)
            raise StoreError(f"the MLflow server on `{store.public}` ended by itself with code {process.wait()}")
    except Stopped as stop:
        if stop.number != signal.SIGINT:
            raise


@contextmanager
def served(store: Store, host: str = "127.0.0.1", port: int = PORT) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """MLflow's server on a local store, while the context lasts: its address and its process.

    Where `port` is taken, a free one is used. Raises: StoreError if the server does not start.
    """
    store.create()
    port = free_port(host, port)
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"]
    # The store's password is nothing for the list of processes. Without jobs they are 2 processes instead of 14.
    environment = os.environ | {
        "MLFLOW_BACKEND_STORE_URI": store.uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_LOGGING_LEVEL": "INFO",  # its last line tells why it did not start
        "PYTHONSAFEPATH": "1",  # a `mlflow.py` in the folder of the store is not run
    }
    folder = None if store.database is None else store.database.parent
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment, process_group=0)
        try:
            address = f"http://{host}:{port}"
            wait_for(f"{address}/health", process)
            yield address, process
        except NotStarted as error:
            log.seek(0)
            last = log.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise StoreError(f"the MLflow server on `{store.public}` did not start: {scrubbed(last) or error}") from error
        finally:
            stop(process)


class NotStarted(Exception):
    """A server ended, or did not answer in time."""


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers. Raises: NotStarted."""
    end = time.monotonic() + START
    while time.monotonic() < end:
        if process.poll() is not None:
            raise NotStarted(f"it ended with code {process.returncode}")
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):  # not yet
            time.sleep(0.1)
    raise NotStarted(f"no answer within {START:.0f} seconds")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and the workers it made."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=5)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def free_port(host: str, port: int) -> int:
    """The port itself if nobody listens there, else any that is free. Raises: StoreError if `host` is not of this machine."""
    for wanted in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, wanted))
            except OSError as error:
                if wanted == 0:
                    raise StoreError(f"`{host}` is no address of this machine: {error.strerror}", help="take `127.0.0.1`") from error
                continue
            return int(probe.getsockname()[1])
    raise AssertionError


def _link(store: Store, address: str, experiment: str | None) -> str:
    if experiment is None:
        return start_link(address)
    from mlflow import MlflowClient

    found = MlflowClient(store.uri).get_experiment_by_name(experiment)
    if found is None:
        raise StoreError(f"no experiment at `{store.public}` is called `{experiment}`", help="`nnrun run` on its spec makes one")
    return experiment_link(address, found.experiment_id)


def _point(link: str, say: Callable[[str], None], browser: bool) -> None:
    say(link)
    if browser and not webbrowser.open(link):
        say("no browser could be opened here")
