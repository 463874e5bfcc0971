"""A team's store as its people have it: `nnrun serve` in a process of its own, killed and started again."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from nnrun.runner.tracking.ui import free_port
from tests.tracking.support import ROOT

START, END = 120.0, 60.0
"""Seconds that a store may take to answer, and to end."""

ACCOUNT = [] if os.geteuid() else ["--user", "postgres"]
"""Root cannot be whom PostgreSQL runs as."""


@dataclass
class Served:
    """The command, on a folder."""

    folder: Path
    port: int = field(default_factory=lambda: free_port("127.0.0.1", 0))
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def begin(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "nnrun", "serve", str(self.folder), "--port", str(self.port), *ACCOUNT, *self.options]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return self.process

    def start(self) -> float:
        """Wait until it says that it is ready; how many seconds that took."""
        began, process = time.monotonic(), self.begin()
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], START)[0]:
            self.kill()
            raise TimeoutError(f"the store did not answer within {START:.0f} seconds")
        said = process.stdout.readline().decode()
        assert said.startswith("MLFLOW_TRACKING_URI="), process.communicate(timeout=END)[1].decode()
        return time.monotonic() - began

    def processes(self) -> list[psutil.Process]:
        """The command, the database and the server with all that they have started."""
        if self.process is None or self.process.poll() is not None:
            return []
        command = psutil.Process(self.process.pid)
        return [command, *command.children(recursive=True)]

    def kill(self) -> None:
        """All at once, as a power cut does; one may end by itself as the others go."""
        family = self.processes()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=END)
        self.forget()

    def stop(self) -> int:
        """As an administrator does; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=END)
        self.forget()
        return code

    def forget(self) -> None:
        if self.process is not None:
            self.process.communicate(timeout=END)
        self.process = None


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended; one that nobody has waited for has."""
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


@contextmanager
def team() -> Iterator[Served]:
    """A store in a folder that is thrown away, into which other users may look; it is not started yet."""
    with tempfile.TemporaryDirectory(prefix="nnrun-team-") as place:
        os.chmod(place, 0o755)
        store = Served(Path(place, "store"))
        try:
            yield store
        finally:
            store.kill()
