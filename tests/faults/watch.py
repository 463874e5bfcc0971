"""What a process does to the world, seen by an audit hook: files opened, programs started, sockets, code made at run time.

A hook cannot be taken away: it is meant for processes that do nothing else. https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.mutants import ROOT

_PARTS = [ROOT / name for name in ("nnrun", "nnrun.egg-info", "registry", "runner", "specs", "tests")]

_PYTHON = [*sysconfig.get_paths().values(), *sys.path[1:]]

OWN = tuple(
    f"{path}{os.sep}" for place in (*_PARTS, *_PYTHON) if str(place) not in ("", str(ROOT)) for path in (place, os.path.realpath(place))
)
"""Nnrun's own installation: its folders and those of Python and the packages."""

FORBIDDEN = (
    *("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "os.kill", "pty.", "ctypes."),
    *("socket.", "urllib.", "http.", "ftplib.", "ssl.", "webbrowser."),
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.utime"),
    *("shutil.", "tempfile.", "sqlite3.", "pickle.", "marshal.dumps", "os.putenv", "os.unsetenv", "mmap."),
)
"""Beginnings of the names of events that a check never makes."""

LISTED = ("os.listdir", "os.scandir", "os.walk", "os.fwalk", "glob.glob", "pathlib.Path.glob", "pathlib.Path.rglob", "os.chdir")


class Watch:
    """What was done while it was on, but for what is allowed."""

    def __init__(self) -> None:
        self.on = False
        self.allowed: tuple[str, ...] = ()
        """Files besides nnrun's own."""
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    @contextmanager
    def over(self, *allowed: Path) -> Iterator[list[str]]:
        """What happens within it, which is known afterwards."""
        self.allowed, self.seen, self.on = tuple(map(str, allowed)), [], True
        try:
            yield self.seen
        finally:
            self.on = False

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        self.on = False  # what is asked here is not watched
        try:
            if event == "open" or event in LISTED:
                if not self._is_allowed(event, arguments[0]) or (event == "open" and _writes(arguments)):
                    self.seen.append(f"{event} {arguments[0]!r}")
            elif event == "os.putenv" and bytes(arguments[0]).startswith(b"MLFLOW_"):
                return  # how long the command itself waits for MLflow
            elif event.startswith(FORBIDDEN):
                self.seen.append(f"{event} {arguments!r:.200}")
            elif event == "compile" and not (_is_own(str(arguments[1])) or _by_library()):
                self.seen.append(f"compile {arguments[0]!r:.100} of {arguments[1]!r}")
            elif event == "exec" and not (_is_own(arguments[0].co_filename) or _by_library()):
                self.seen.append(f"exec {arguments[0].co_filename}")
        finally:
            self.on = True

    def _is_allowed(self, event: str, path: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return isinstance(path, int)  # a file that is open already
        text = os.fsdecode(path)
        if text.startswith("__editable__.") or (event == "os.listdir" and text == str(ROOT)):
            return True  # where modules are looked for
        return _is_own(os.path.abspath(text)) or (event == "open" and os.path.abspath(text) in self.allowed)


def _is_own(path: str) -> bool:
    return f"{path}{os.sep}".startswith(OWN) or path.startswith("<frozen ")


def _writes(arguments: tuple[Any, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    writing = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    return bool(writing) or any(sign in str(mode or "") for sign in "wax+")


def _by_library() -> bool:
    """Whether a library made the code, as it makes dataclasses and parses formulas: the nearest frame that is not frozen is a library's."""
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith("<frozen "):
        frame = frame.f_back
    return frame is not None and _is_own(frame.f_code.co_filename) and not frame.f_code.co_filename.startswith(str(ROOT))
