"""An MLflow server that refuses, is stopped, starts later, or never answers: `python -m tests.faults.servers --count 60`.

A real server is stopped and started while trainings go on, several at once. Training never waits; the end says what it waits for; every
figure arrives exactly once, by itself or by `nnrun sync`.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nnrun.runner.tracking.store import Store, sqlite_uri
from nnrun.runner.tracking.ui import free_port
from tests.faults.recorded import Process, deliver, ended, quiet, start, wrong

FAULTS = ("refusing", "stopped", "later", "never", "for good")
"""Not there until all is over; away for a while; there in the middle; there, but silent to the end; stopped and not there at the end."""


@dataclass
class Server:
    """A real MLflow server on a store."""

    store: Store
    port: int = field(default_factory=lambda: free_port("127.0.0.1", 0))
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        environment = os.environ | {"MLFLOW_BACKEND_STORE_URI": self.store.uri, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        assert self.store.database is not None
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, stdout=quiet, stderr=quiet, cwd=self.store.database.parent, env=environment, process_group=0
        )
        while not self.answers():
            time.sleep(0.2)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/health", timeout=2):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)


def episode(server: Server, outbox: Path, fault: str, runs: dict[str, int], chance: random.Random) -> list[str]:
    """Some trainings at once, and one fault; what did not hold."""
    if fault in ("refusing", "later"):
        server.stop()
    elif server.process is None:
        server.start()
    trainings = {name: start(Store(server.address), outbox, name, points, chance.uniform(2, 8)) for name, points in runs.items()}
    time.sleep(chance.uniform(0.5, 5))
    if fault == "later":
        server.start()
    elif fault in ("stopped", "for good"):
        server.stop()
    elif fault == "never":
        server.signal(signal.SIGSTOP)
    if fault == "stopped":
        time.sleep(chance.uniform(0, 3))
        server.start()
    failed = [line for name, process in trainings.items() for line in judged(name, process, fault)]
    if fault == "never":
        server.signal(signal.SIGCONT)
    if server.process is None:
        server.start()
    failed += deliver(outbox)
    return [f"{fault}: {line}" for line in [*failed, *wrong(Store(server.address), runs)]]


def judged(name: str, process: Process, fault: str) -> list[str]:
    """What is wrong with the end of a training."""
    end = ended(process)
    if "error" in end:
        return [f"{name} broke off: {end['error']}"]
    LONGEST.append((end["longest"], end["waited"]))
    if not end["missing"]:
        return []
    told = any("waiting for MLflow at" in line for line in end["said"])
    kept = "`nnrun sync` delivers" in str(end["message"])
    return [] if told and kept else [f"{name} does not say what it waits for, or what is kept: {end}"]


LONGEST: list[tuple[float, float]] = []
"""Of each training, the longest that a figure took to be recorded, and how long the end waited, in seconds."""


def campaign(count: int, seed: int, at_once: int, say: Callable[[str], None] = print, faults: tuple[str, ...] = FAULTS) -> int:
    """How many of `count` trainings held."""
    chance, held, number = random.Random(seed), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        store = Store(sqlite_uri(Path(folder, "mlflow.db")))
        store.create()
        server = Server(store)
        try:
            for turn in range(-(-count // at_once)):
                names = range(number, min(count, number + at_once))
                number += len(names)
                runs = {f"run {one}": chance.randint(50, 400) for one in names}
                failed = episode(server, Path(folder, "outbox"), faults[turn % len(faults)], runs, chance)
                held += len(runs) - min(len(runs), len(failed))
                for line in failed:
                    say(line)
        finally:
            server.stop()
    return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=4)
    given = parser.parse_args()
    quiet()
    began = time.monotonic()
    held = campaign(given.count, given.seed, given.at_once)
    recording, waiting = (max(times) for times in zip(*LONGEST, strict=True))
    print(f"longest: {recording:.3f} s to record a figure, {waiting:.1f} s at an end; {time.monotonic() - began:.0f} s in all")
    print(f"{held} of {given.count} held")
    sys.exit(held != given.count)


if __name__ == "__main__":
    main()
