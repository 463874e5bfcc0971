"""Many runs at once: 16 on a store that does not exist yet, then 8 more in the same: `python -m tests.faults.many_runs --count 160`.

With `--whole` the runs are commands `nnrun SPEC` with a small spec, torch and all, which takes ten times as long.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mlflow import MlflowClient

from nnrun.runner.tracking.store import Store
from tests.faults.recorded import deliver, ended, quiet, start, wrong
from tests.tracking.support import ROOT

SIZES = (16, 8)
"""How many runs begin at once: on a store that is not there, and on the one that they have made."""

Way = Callable[[Path, int, int], list[str]]

SMALL = ("--set", "train.epochs=2", "--set", "track.baseline=none", "--quiet")


def recorded(folder: Path, count: int, first: int) -> list[str]:
    """So many recorded trainings at once in the store of a folder; what did not hold."""
    store = Store.from_environment(folder, {})
    runs = {f"run {first + number}": 200 for number in range(count)}
    trainings = {name: start(store, folder / "outbox", name, points, 1.0) for name, points in runs.items()}
    failed = [f"{name} ends with {end}" for name, process in trainings.items() if (end := ended(process)).get("missing", 1)]
    return [*failed, *deliver(folder / "outbox"), *wrong(store, runs)]


def whole(folder: Path, count: int, first: int) -> list[str]:
    """So many commands at once; what did not hold."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state")}
    spec = str(ROOT / "specs" / "mlp_digits.yaml")
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "nnrun", spec, "--seed", str(first + number), *SMALL],
            cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for number in range(count)
    ]  # fmt: skip
    said = [command.communicate(timeout=1200)[1] for command in commands]
    failed = [f"code {command.returncode}: {text[-600:]}" for command, text in zip(commands, said, strict=True) if command.returncode]
    store = Store.from_environment(folder, {})
    client = MlflowClient(store.uri)
    experiment = client.get_experiment_by_name("mlp_digits")
    runs = [] if experiment is None else client.search_runs([experiment.experiment_id], max_results=1000)
    for number in range(first, first + count):
        found = [run for run in runs if run.data.params["train.seed"] == str(number)]
        if [run.info.status for run in found] != ["FINISHED"]:
            failed.append(f"seed {number}: {[run.info.status for run in found]}")
        elif len(client.get_metric_history(found[0].info.run_id, "valid/loss")) != 3:
            failed.append(f"seed {number}: not all evaluations are there")
    return failed


def campaign(
    count: int, run: Callable[[Path, int, int], list[str]], sizes: tuple[int, ...] = SIZES, say: Callable[[str], None] = print
) -> int:
    """How many of `count` runs held; each time that all sizes were tried, a new store is begun."""
    held = number = 0
    while number < count:
        with tempfile.TemporaryDirectory() as folder:
            for size in sizes:
                size = min(size, count - number)
                failed = run(Path(folder), size, number)
                held += size - min(size, len(failed))
                number += size
                for line in failed:
                    say(line)
    return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=160)
    parser.add_argument("--whole", action="store_true")
    given = parser.parse_args()
    quiet()
    began = time.monotonic()
    held = campaign(given.count, whole if given.whole else recorded)
    print(f"{time.monotonic() - began:.0f} s in all")
    print(f"{held} of {given.count} held")
    sys.exit(held != given.count)


if __name__ == "__main__":
    main()
