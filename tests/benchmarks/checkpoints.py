"""What checkpoints and journal cost: a training of half a minute with and without them, in pairs.

`python -m tests.benchmarks.checkpoints`: seconds of the training by the clock and of processor time of the process that trains, as a ratio
to the same training that is neither saved nor recorded. The process that talks to MLflow is another one.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", default="cnn_digits")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--pairs", type=int, default=3)
    given = parser.parse_args()
    from rich.console import Console

    display = Display(Console(quiet=True), quiet=True)
    settings = (f"train.epochs={given.epochs}", "train.early_stopping=null")
    checked, data, _ = read(Job.read(SPECS / f"{given.spec}.yaml", settings), display)
    assert checked.plan is not None
    torch.set_num_threads(1)
    taken: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for _ in range(given.pairs):
        for way, every in WAYS.items():
            torch.manual_seed(0)
            network = Network(checked.plan)
            with recorded(every, display) as (watch, keeper):
                clock, processor = time.perf_counter(), time.process_time()
                train_stages(network, checked.plan, data, torch.device("cpu"), watch, display, keeper=keeper)
                taken[way].append((time.perf_counter() - clock, time.process_time() - processor))
    base = [statistics.median(column) for column in zip(*taken["neither"], strict=True)]
    print(f"{given.spec}, {given.epochs} epochs, {given.pairs} rounds, {os.cpu_count()} cores")
    for way, times in taken.items():
        seconds, spent = (statistics.median(column) for column in zip(*times, strict=True))
        ratios = [mine[1] / other[1] for mine, other in zip(times, taken["neither"], strict=True)]
        print(f"{way:<12} {seconds:7.2f} s {spent:7.2f} s of processor  {seconds / base[0]:6.3f} {statistics.median(ratios):6.3f}")


if __name__ == "__main__":
    main()
