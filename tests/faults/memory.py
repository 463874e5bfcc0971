"""Memory runs out, for real: `python -m tests.faults.memory [--count 20] [--seed 0]`.

Trainings of drawn sizes run under a drawn `RLIMIT_AS`; for every second one the limit sinks, at a drawn instant, to hardly more than what
the process has then. Whatever happens, the command ends with a result, or with exit code 3 and a finding
that says how much was planned, how much is allowed and what to make smaller; a run that was opened says why it failed. Never a traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GIB = 1 << 30

LEAST = 2.0
"""GiB of address space that a run takes, whatever it trains: libraries and threads reserve more than they use."""

SPARE = 64 << 20
"""Bytes. OpenBLAS needs half of it for its buffers, and ends a process that has none, without an exception."""

NUMBERS = re.compile(r"[\d,.e+]+ GiB")


@dataclass(frozen=True)
class Case:
    """A training under a limit."""

    spec: str
    settings: tuple[str, ...]
    limit: float
    """GiB of address space."""
    sinks: float | None
    """Seconds into the training after which no more than `SPARE` is left."""

    def __str__(self) -> str:
        room = f"{self.limit:.2f} GiB" if self.sinks is None else f"what it has after {self.sinks:.1f} s"
        return f"{self.spec} {' '.join(self.settings)} in {room}"


SIZES = (
    ("mlp_digits", "nodes.hidden.units", (4.5, 8.0), "train.epochs=1"),
    ("mlp_digits", "nodes.hidden.units", (4.0, 6.0), "train.batch_size=1258"),
    ("cnn_digits", "data.fields.image.size", (1.5, 5.0), "train.epochs=1"),
    ("hopfield_capacity", "data.size", (3.0, 5.0), "train.seed=1"),
    ("rbm_digits", "nodes.hidden.units", (5.0, 7.5), "train.epochs=1"),
    ("elman_sunspots", "nodes.hidden.units", (2.0, 5.0), "train.epochs=1"),
)
"""Specs, what makes them large, and powers of ten between which it is drawn."""


def drawn(random: random.Random, sinks: bool) -> Case:
    """Under a limit that stands some trainings are larger than any limit, and some near it; where it sinks, they would fit."""
    spec, key, (low, high), more = random.choice(SIZES)
    power = random.uniform(low, low + 0.3) if sinks else random.uniform(low, high)
    limit, after = (64.0, random.uniform(0.0, 3.0)) if sinks else (random.uniform(LEAST, 5.0), None)
    return Case(spec, (f"{key}={int(10**power)}", more), limit, after)


def outcome(case: Case, folder: Path) -> tuple[bool, str]:
    """Whether it held, and what happened."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state"), "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, "-m", "nnrun", "run", str(ROOT / "specs" / f"{case.spec}.yaml")]
    command += [part for setting in case.settings for part in ("--set", setting)]
    limited = ["sh", "-c", f'ulimit -v {int(case.limit * GIB) // 1024}; exec "$@"', "sh", *command]
    with (folder / "log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(limited, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        if case.sinks is not None:
            sink(process, case.sinks, folder / "log")
        code = process.wait(timeout=600)
        log.seek(0)
        said = log.read()
    if "Traceback" in said:
        return False, f"a traceback: {said[-1500:]}"
    if code == 0:
        return True, "finished"
    if code != 3 or "error[out-of-memory]" not in said:
        return False, f"exit code {code}: {said[-1500:]}"
    finding = said[said.index("error[out-of-memory]") :]
    if len(NUMBERS.findall(finding.partition("\n")[0])) < 2 or "= help: " not in finding:
        return False, f"no two numbers, or no help: {finding}"
    return True, finding.partition("\n")[0]


def sink(process: subprocess.Popen[bytes], after: float, log: Path) -> None:
    """Let the limit sink to what the process has then, and a little more."""
    while process.poll() is None and " steps" not in log.read_text(encoding="utf-8"):
        time.sleep(0.05)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=after)
        return  # it was faster
    pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[0])
    room = pages * resource.getpagesize() + SPARE
    resource.prlimit(process.pid, resource.RLIMIT_AS, (room, room))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    sys.exit(0 if campaign(given.count, given.seed) == given.count else 1)


def campaign(count: int, seed: int) -> int:
    """How many of so many cases held."""
    held, started = 0, time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        for number in range(count):
            case = drawn(random.Random(f"{seed} {number}"), sinks=number % 2 == 1)
            fine, what = outcome(case, Path(name))
            held += fine
            print(f"{'held' if fine else 'FAILED'}: {case}: {what}", flush=True)
    print(f"{held} of {count} held, in {time.monotonic() - started:.0f} s")
    return held


if __name__ == "__main__":
    main()
