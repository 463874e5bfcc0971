"""The trainer's handle on the process beside it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from types import TracebackType

from nnrun.runner.tracking.outbox import Folder, Progress
from nnrun.runner.tracking.trouble.secrets import scrubbed


class Sidecar:
    """The process that delivers to MLflow. One run has one of its own; a sweep shares one, for making it costs seconds.

    It has a session of its own, so that a Ctrl-C in the terminal does not reach it. The pipe to it tells it that the trainer
    lives: when the pipe ends, the runs that did not say how they ended were killed.
    """

    def __init__(self) -> None:
        # The same modules as here, in the same order, and none from a current folder that is not on the path here.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in sys.path)}
        command = [sys.executable, "-P", "-m", "nnrun.runner.tracking.beside.sidecar", str(os.getpid())]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, bufsize=0, env=environment, start_new_session=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        os.set_blocking(self._to.fileno(), False)
        self._received = b""
        self._results: dict[str, Progress] = {}

    def serve(self, folder: Folder) -> None:
        """Deliver this run too."""
        self._say(f"{folder.path}\n")

    def wake(self) -> None:
        """Look at the journals now, not at the next round."""
        self._say("\n")

    def result(self, folder: Folder, wait: float) -> Progress | None:
        """How far a run came whose delivery has ended; None if it has not within `wait` seconds, or if the process died."""
        end = time.monotonic() + wait
        ready = select.poll()
        ready.register(self._from, select.POLLIN)
        while str(folder.path) not in self._results:
            if not ready.poll(max(0.0, end - time.monotonic()) * 1000):
                return None
            chunk = os.read(self._from.fileno(), 65536)
            if not chunk:
                self._process.wait()
                return None
            *lines, self._received = (self._received + chunk).split(b"\n")
            for line in lines:
                place, progress = json.loads(line)
                self._results[place] = Progress.from_json(progress)
        return self._results.pop(str(folder.path))

    @property
    def has_died(self) -> bool:
        return self._process.poll() is not None

    @property
    def log(self) -> str:
        """What the process, and MLflow in it, had to say."""
        return scrubbed(os.pread(self._log.fileno(), 1_000_000, 0).decode(errors="replace").strip())

    def close(self) -> None:
        """Let it go: it ends as soon as all is delivered, or when there is no more hope."""
        for file in (self._to, self._from, self._log):
            file.close()
        try:
            self._process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:  # it has still something to deliver, and goes on after the trainer's end
            self._process.returncode = 0  # else Python warns that nobody waited for it

    def __enter__(self) -> Sidecar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _say(self, text: str) -> None:
        with contextlib.suppress(BrokenPipeError, BlockingIOError):  # dead, or far behind: `result` finds out which
            os.write(self._to.fileno(), text.encode())
