"""Kill a sweep with -9 at random moments, give the same command again each time, and compare with a sweep that nobody killed.

`python -m tests.faults.sweeps --count 20`. Killed are by turns the owner of the sweep, one of its workers, and all its processes at once,
those that talk to MLflow among them. Each trial must be one run of MLflow, and all its figures the same to the bit.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from tests.experiments.support import Kept, children_of, kill, start, workers_of
from tests.faults.recorded import quiet
from tests.faults.victims import KINDS, write

TRIALS = 3
SWEEP = "sweep:\n  search: {type: grid}\n  over:\n    train.optimizer.lr: [0.003, 0.005, 0.01]\n"
COMMAND = ("spec.yaml", "--workers", "2")
WAYS = ("owner", "worker", "all")
LONG = 600.0
"""Seconds after which a sweep counts as hanging."""

Figures = dict[int, list[tuple[str, int, float]]]


def made(folder: Path) -> None:
    """A sweep of trainings that take some seconds each, with dropout, and are saved every 70 steps."""
    write(folder, "lstm").write_text(KINDS["lstm"] + SWEEP)


def killed(folder: Path, chance: random.Random, kills: int) -> Iterator[str]:
    """Kill a sweep so many times, at moments of its work; what is wrong with how it ended."""
    process = start(folder, *COMMAND)
    for number in range(kills):
        wait_for_work(folder)
        time.sleep(chance.uniform(0.0, 6.0))
        if process.poll() is not None:
            break
        way = WAYS[(number + chance.randint(0, 2)) % len(WAYS)]
        if way == "worker":
            for worker in workers_of(process.pid)[:1]:  # none is there for a moment where one is being replaced
                kill(worker)
            continue
        family = [process.pid, *(workers_of(process.pid) if way == "all" else [])]
        family += [child for worker in family for child in children_of(worker) if way == "all"]
        for pid in dict.fromkeys(family):
            kill(pid)
        process.communicate()
        process = start(folder, *COMMAND)
    _, err = process.communicate(timeout=LONG)
    yield from [f"exit code {process.returncode}: {err[-1500:]}"] if process.returncode else []


def wait_for_work(folder: Path, within: float = 60.0) -> None:
    """Wait until a sweep has a journal with trials, so that not all kills hit imports."""
    end = time.monotonic() + within
    while not (list(folder.glob("sweeps/*.journal")) and Kept(folder).trials) and time.monotonic() < end:
        time.sleep(0.1)


def figures(kept: Kept) -> Figures:
    """All that MLflow has of each trial but what the clock says: (key, step, value), in order."""

    def points(client: MlflowClient, run_id: str, keys: list[str]) -> list[tuple[str, int, float]]:
        return [(key, point.step, point.value) for key in keys for point in client.get_metric_history(run_id, key)]

    def plain(metrics: dict[str, Any]) -> list[str]:
        return sorted(key for key in metrics if not key.startswith("system/"))

    return {int(run.data.tags["trial"]): points(kept.client, run.info.run_id, plain(run.data.metrics)) for run in kept.children}


def differences(folder: Path, wanted: Kept) -> Iterator[str]:
    """In what a sweep is another than the one that nobody killed."""
    kept = Kept(folder)
    if kept.finished_runs != list(range(TRIALS)) or len(kept.children) != TRIALS:
        statuses = sorted((run.data.tags["trial"], run.info.status) for run in kept.children)
        yield f"the runs of its trials are {statuses}"
        return
    if kept.parent.info.status != "FINISHED":
        yield f"its own run is {kept.parent.info.status}"
    ours, theirs = figures(kept), figures(wanted)
    for trial in range(TRIALS):
        if ours[trial] != theirs[trial]:
            yield f"trial {trial}: {sorted(set(ours[trial]) ^ set(theirs[trial]))[:6]}"
    values = {trial.number: trial.value for trial in wanted.trials}
    if {number: value for number, value in ((trial.number, trial.value) for trial in kept.trials) if number in kept.finished} != values:
        yield f"Optuna has {[(trial.number, trial.state.name, trial.value) for trial in kept.trials]}, not {values}"


def campaign(count: int, seed: int, kills: int = 3) -> int:
    """How many of `count` sweeps, each killed some times, were as if they had not been; what was not is printed."""
    held = 0
    with tempfile.TemporaryDirectory(prefix="nnrun-faults-") as name:
        whole = Path(name, "0")
        made(whole)
        assert not list(killed(whole, random.Random(), 0))
        for number in range(1, count + 1):
            folder = Path(name, str(number))
            made(folder)
            wrong = list(killed(folder, random.Random(f"{seed} {number}"), kills)) or list(differences(folder, Kept(whole)))
            held += not wrong
            for line in wrong:
                print(f"{number}: {line}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
    return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    quiet()
    held = campaign(given.count, given.seed, given.kills)
    print(f"{held} of {given.count} held")
    sys.exit(held != given.count)


if __name__ == "__main__":
    main()
