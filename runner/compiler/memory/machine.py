"""How much memory there is, and how much of it this process may take."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass, replace
from pathlib import Path

CONTROL = Path("/sys/fs/cgroup")
"""Where Linux shows the limits of control groups."""

LIBRARIES = 1280 << 20
"""Bytes of address space that libraries and threads of a run reserve on its way, most of which they never use. Measured: up to 1.7 GiB,
and less where there is less."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """How many bytes more this process may take, and who says so, such as `this machine has`."""

    size: int
    by: str
    whole: int
    """Bytes with what the process has already."""


def installed() -> int:
    """Bytes of this machine's memory. Opens no file."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def allowed() -> Allowed:
    """What this process may still take: the least of the machine's memory, its control group's limit and `RLIMIT_AS`, without what it
    has already."""
    taken, resident = _taken()
    there = installed()
    found = [Allowed(there - resident, "this machine has", there)]
    found += [Allowed(limit - resident, "the control group allows", limit) for limit in group_limits()]
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        found.append(Allowed(soft - taken - LIBRARIES, "`ulimit -v` allows", soft))
    least = min(found, key=lambda one: one.size)
    return replace(least, size=max(0, least.size))


def group_limits(control: Path = CONTROL, own: Path = Path("/proc/self/cgroup")) -> list[int]:
    """Limits of the control group of this process and of those that hold it; none where there are no such groups.

    Source: Linux, admin-guide/cgroup-v2 (`memory.max`) and cgroup-v1/memory (`memory.limit_in_bytes`).
    """
    if not own.is_file():
        return []
    found = []
    for line in own.read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        root, name = (control, "memory.max") if not controllers else (control / "memory", "memory.limit_in_bytes")
        if controllers and "memory" not in controllers.split(","):
            continue
        place = root / path.lstrip("/")
        for folder in (place, *place.parents):
            if folder.is_relative_to(root) and (folder / name).is_file():
                text = (folder / name).read_text(encoding="utf-8").strip()
                found += [int(text)] if text.isdigit() else []  # `max` is no limit
    return found


def _taken() -> tuple[int, int]:
    """Bytes of address space and of memory that this process has."""
    statm = Path("/proc/self/statm")
    if not statm.is_file():
        return 0, 0
    size, resident = statm.read_text(encoding="utf-8").split()[:2]
    return int(size) * resource.getpagesize(), int(resident) * resource.getpagesize()
