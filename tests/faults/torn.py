"""Kill a process with -9 at each system call of a save, and see that what is read afterwards is the newer checkpoint or the older.

`python -m tests.faults.torn`. strace counts the calls and kills at the one that is wanted.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from nnrun.runner.engine.checkpoint.kept import Kept
from nnrun.runner.engine.checkpoint.snapshot import Snapshot

WAITING = ("poll", "restart_syscall")
"""The call in which the process waits to be traced, which may be seen or not; a save makes none such."""


def snapshot(step: int) -> Snapshot:
    return Snapshot({"step": step}, {"w": torch.full((2000,), float(step))}, {"examples": step}, {})


def saving(folder: Path, *asked: str) -> int:
    """Save a third checkpoint in a process of its own that strace does something to; how the process ended."""
    ready, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go)
        poller = select.poll()
        poller.register(ready, select.POLLIN)
        poller.poll()
        Kept(folder).write(snapshot(3), {})
        os._exit(0)
    os.close(ready)
    with subprocess.Popen(["strace", "-qq", "-p", str(child), *asked], stderr=subprocess.PIPE, text=True) as tracer:
        while "TracerPid:\t0" in Path(f"/proc/{child}/status").read_text():
            if tracer.poll() is not None:
                os.kill(child, signal.SIGKILL)
                raise OSError(f"strace cannot trace here: {tracer.stderr.read() if tracer.stderr else ''}")
        with contextlib.suppress(BrokenPipeError):
            os.write(go, b"x")
        _, status = os.waitpid(child, 0)
        os.close(go)
    return os.waitstatus_to_exitcode(status)


def folder_with_two(place: str) -> Path:
    folder = Path(place, "checkpoints")
    for step in (1, 2):
        Kept(folder).write(snapshot(step), {})
    return folder


def points() -> list[tuple[str, int]]:
    """Each system call of a save: its name, and which one of that name it is, counted from 1."""
    with tempfile.TemporaryDirectory(prefix="nnrun-faults-") as place:
        trace = Path(place, "trace")
        assert saving(folder_with_two(place), "-o", str(trace)) == 0
        names = re.findall(r"^(\w+)\(", trace.read_text(), re.MULTILINE)
    names = [name for name in names if name not in ("exit_group", *WAITING)]
    return [(name, names[: place + 1].count(name)) for place, name in enumerate(names)]


def held(name: str, number: int) -> bool:
    """Whether the newer or the older checkpoint is read after a kill at a system call, and whether the next save works."""
    with tempfile.TemporaryDirectory(prefix="nnrun-faults-") as place:
        folder = folder_with_two(place)
        code = saving(folder, "-o", os.devnull, "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={number}")
        found = Kept(folder).newest().snapshot
        if code != -signal.SIGKILL or found is None or found.course["step"] not in (2, 3):
            return False
        whole = torch.equal(found.weights["w"], torch.full((2000,), float(found.course["step"])))
        Kept(folder).write(snapshot(4), {})
        after = Kept(folder).newest().snapshot
        left = sorted(path.name for path in folder.iterdir())
        return whole and after is not None and after.course["step"] == 4 and len(left) == 2 and all(name.isdigit() for name in left)


def campaign(stride: int = 1) -> tuple[int, int]:
    """How many kills held, of how many: at every `stride`-th system call."""
    some = points()[::stride]
    good = 0
    for name, number in some:
        if held(name, number):
            good += 1
        else:
            print(f"killed at {name}, number {number}: not as it should be", flush=True)
    return good, len(some)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stride", type=int, default=1)
    if shutil.which("strace") is None:
        sys.exit("strace is needed: apt-get install strace")
    good, count = campaign(parser.parse_args().stride)
    print(f"{good} of {count} held")
    sys.exit(0 if good == count > 0 else 1)


if __name__ == "__main__":
    main()
