"""Processes that begin with torch imported: forked from one that has, so that a hundred of them are to be had in minutes."""

from __future__ import annotations

import os
import resource
import signal
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.faults.victims import environment


def ready() -> None:
    """Import what a run imports. Nothing is computed: a process that has threads cannot be forked."""
    import nnrun.runner.cli.runs
    import nnrun.runner.engine.prepare
    import nnrun.runner.engine.training.stages
    import nnrun.runner.record.contents
    import nnrun.runner.run  # noqa: F401


def nnrun(folder: Path, *words: str) -> int:
    """Begin the command `nnrun` in a folder, as a process of its own; its number. What it prints is added to `log`."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment(folder))
        log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = _command(words)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _command(words: Sequence[str]) -> int:
    from nnrun.runner.cli import main
    from nnrun.runner.signals import end_at_once

    end_at_once()
    try:
        main(list(words), prog_name="nnrun", standalone_mode=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


def ended(child: int, within: float) -> int | None:
    """How a child ended: its exit code, or minus the signal that ended it; None if it has not within so many seconds."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        number, status = os.waitpid(child, os.WNOHANG)
        if number:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    return None


def kill(child: int) -> None:
    """End a child as a crash of the machine would."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def rss() -> int:
    """The most memory that this process has had, in bytes; `ru_maxrss` counts that of the process it was forked from, too."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
