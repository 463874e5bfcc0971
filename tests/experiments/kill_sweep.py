"""Kill a sweep with -9 at random moments, start it again each time, and count what is left: `python -m tests.experiments.kill_sweep`.

Killed are by turns the owner of the sweep, one of its workers, and all its processes at once, those that talk to MLflow among them.
"""

from __future__ import annotations

import argparse
import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.experiments.support import Kept, children_of, kill, small, start, workers_of

SWEEP = """
search: {type: random, trials: TRIALS}
over:
  train.optimizer.lr: {log: [1e-4, 1e-1]}
  nodes.hidden.units: {log: [4, 64]}
"""

WAYS = ("owner", "worker", "all")


def kill_and_go_on(folder: Path, trials: int, workers: int, kills: int, longest: float, steps: int, seed: int = 0) -> list[str]:
    """Kill a sweep so many times, spread over its trials, each at most `longest` seconds after it was due; what was killed, and when."""
    chance = random.Random(seed)
    spec = folder / "small.yaml"
    spec.write_text(small(SWEEP.replace("TRIALS", str(trials)), steps))
    words = ("small.yaml", "--workers", str(workers))
    process = start(folder, *words)
    said = []
    for number in range(kills):
        began = time.monotonic()
        while not _is_due(folder, number * trials // (kills + 1)) and process.poll() is None:
            time.sleep(0.1)
        time.sleep(chance.uniform(0.0, longest))
        if process.poll() is not None:
            break
        way = WAYS[number % len(WAYS)]
        said.append(f"{way} after {time.monotonic() - began:.1f} s, with {len(Kept(folder).finished)} trials finished")
        if way == "worker":
            for worker in workers_of(process.pid)[:1]:  # none is there for a moment where one is being replaced
                kill(worker)
            continue
        family = [process.pid, *(workers_of(process.pid) if way == "all" else [])]
        family += [child for worker in family for child in children_of(worker) if way == "all"]
        for pid in dict.fromkeys(family):
            kill(pid)
        process.communicate()
        process = start(folder, *words)
    _, err = process.communicate(timeout=3000)
    assert process.returncode == 0, err
    return said


def _is_due(folder: Path, finished: int) -> bool:
    """Whether a trial is under way, and so many have finished."""
    if not list((folder / "sweeps").glob("*.journal")):
        return False
    kept = Kept(folder)
    return bool(kept.trials) and len(kept.finished) >= finished


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in {"trials": 20, "workers": 2, "kills": 3, "steps": 300, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--longest", type=float, default=15.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nnrun-kill-") as name:
        folder = Path(name)
        began = time.monotonic()
        for line in kill_and_go_on(folder, given.trials, given.workers, given.kills, given.longest, given.steps, given.seed):
            print("killed:", line)
        kept = Kept(folder)
        values = {trial.number: trial.value for trial in kept.trials}
        recorded = {
            int(run.data.tags["trial"]): run.data.metrics["valid/best_accuracy"] for run in kept.children if run.info.status == "FINISHED"
        }
        print(f"{time.monotonic() - began:.0f} s; Optuna: {dict(Counter(trial.state.name for trial in kept.trials))}")
        print("MLflow:", dict(Counter(run.info.status for run in kept.children)), "parent", kept.parent.info.status)
        print("numbers 0 to N-1, none twice:", kept.finished == kept.finished_runs == list(range(given.trials)))
        print("the same figures:", values == recorded)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    main()
