"""Who owns a run: one process of one machine, told apart from every later process with the same number."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

STALE = 600.0
"""Seconds without a heartbeat after which a run of an earlier boot counts as dead."""


@dataclass(frozen=True)
class Owner:
    """A process, named so that no other can be mistaken for it."""

    host: str
    boot: str
    """Changes with every start of the machine; empty where the system does not tell."""
    space: str
    """The process number space: containers on one machine each count their own."""
    pid: int
    started: str
    """Start of the process, in ticks of the system's clock; empty where the system does not tell."""

    @classmethod
    def of(cls, pid: int) -> Owner:
        """The process `pid` of this machine."""
        return cls(socket.gethostname(), _text("/proc/sys/kernel/random/boot_id"), _space(), pid, _started(pid))

    def is_dead(self, silence: float = 0.0, unseen: bool = False) -> bool:
        """Whether the process is certainly gone; `silence` is the age of its last heartbeat, in seconds.

        A process that cannot be seen from here (another host or container) counts as alive, unless it is known that the `unseen` are
        gone. Host names are not unique, so a run of this host but of another boot is dead only after a long silence.
        """
        here = Owner.of(self.pid)
        if self.host != here.host:
            return unseen
        if not self.boot:  # a system that tells nothing but the number
            return not _runs(self.pid)
        if self.boot != here.boot:
            return silence > STALE
        return self.started != here.started if self.space == here.space else unseen


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, but there
        return True
    return True


def _started(pid: int) -> str:
    stat = _text(f"/proc/{pid}/stat")
    # The command's name, in brackets, may hold spaces: fields count from the last bracket. A zombie (Z) has ended.
    state, *fields = stat.rpartition(")")[2].split() or [""]
    return "" if state in ("", "Z", "X") else fields[18]


def _space() -> str:
    try:
        return os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:  # a system without /proc
        return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:  # no such process, or a system without /proc
        return ""
