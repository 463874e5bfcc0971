"""What checkpoints and journal cost: a training of half a minute with and without them, side by side.

`python tests/benchmarks/checkpoints.py [--json FILE]`: processor seconds of the process that trains, as a ratio to the same training that
is neither saved nor recorded. All three run at once on one core, so that whatever slows this core slows all of them; the pace is stretched
as they are. The processes that talk to MLflow run on the other cores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import torch
from rich.console import Console

from nnrun.runner.compiler.language.training import Checkpoint
from nnrun.runner.display import Display
from nnrun.runner.engine.checkpoint.kept import Kept
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.keeper import Checkpoints, Keeper
from nnrun.runner.engine.training.learner import Watcher
from nnrun.runner.engine.training.stages import train_stages
from nnrun.runner.job import Job
from nnrun.runner.record.history import History
from nnrun.runner.run import read
from nnrun.runner.smoke import Quiet
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.store import Store, sqlite_uri

SPECS = Path(__file__).parents[2] / "specs"
WAYS = {"neither": None, "every 60 s": 60.0, "every 5 s": 5.0}
LIMITS = {"every 60 s": 1.02, "every 5 s": 1.04}


class Every(Checkpoints):
    """Checkpoints at another pace than the spec's."""

    pace = 60.0

    def begin(self, stage: int, before: dict[str, object], settings: Checkpoint) -> None:  # type: ignore[override]
        super().begin(stage, before, settings.model_copy(update={"every": self.pace}))


@contextmanager
def recorded(every: float | None, display: Display) -> Iterator[tuple[Watcher, Keeper]]:
    """Who watches and who keeps a training."""
    if every is None:
        yield Quiet(), Keeper()
        return
    with tempfile.TemporaryDirectory() as place:
        recorder = Recorder.start(Store(sqlite_uri(Path(place, "mlflow.db"))), outbox=Path(place, "outbox"))
        recorder.open("benchmark", "benchmark", {}, {})
        recorder.run_id(wait=60.0)  # the making of the store is no part of it
        history = History(recorder, display)
        keeper = Every(Kept(Path(place, "checkpoints")), {}, history.state, display.say)
        keeper.pace = every
        yield history, keeper
        recorder.finish("FINISHED")


def train(way: str, spec: str, epochs: int, core: int, ready: Barrier, spent: Queue[tuple[str, float]]) -> None:
    """Trains at once with the others, on one core with them; puts the processor seconds of it."""
    display = Display(Console(quiet=True), quiet=True)
    settings = (f"train.epochs={epochs}", "train.early_stopping=null")
    checked, data, _ = read(Job.read(SPECS / f"{spec}.yaml", settings), display)
    assert checked.plan is not None
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = Network(checked.plan)
    every = WAYS[way]
    with recorded(None if every is None else every * len(WAYS), display) as (watch, keeper):
        os.sched_setaffinity(0, {core})  # this thread alone
        ready.wait()
        before = time.process_time()
        train_stages(network, checked.plan, data, torch.device("cpu"), watch, display, keeper=keeper)
        spent.put((way, time.process_time() - before))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", default="cnn_digits")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    core, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or [core])  # inherited by what is started here
    start = get_context("spawn")
    taken: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(given.rounds):
        ready, spent = start.Barrier(len(WAYS)), start.Queue()
        training = [start.Process(target=train, args=(way, given.spec, given.epochs, core, ready, spent)) for way in WAYS]
        for one in training:
            one.start()
        for way, seconds in [spent.get() for _ in WAYS]:
            taken[way].append(seconds)
        for one in training:
            one.join()
    size, rows = f"{given.spec}, {given.epochs} epochs", []
    print(f"{size}, {given.rounds} rounds")
    for way, times in taken.items():
        ratios = [mine / alone for mine, alone in zip(times, taken["neither"], strict=True)]
        each = " ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"{way:<12} {statistics.median(times):7.2f} s of processor   {statistics.median(ratios):.3f}   ({each})")
        if way in LIMITS:
            work = f"kept {way} and recorded / neither"
            rows.append({"work": work, "size": size, "ratio": statistics.median(ratios), "limit": LIMITS[way]})
    if given.json is not None:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
