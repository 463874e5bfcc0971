"""The loop of a spec alone, with all that records it: `python nnrun_loop.py WORK FOLDER [PATH=VALUE...]`."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from nnrun.runner.display import Display
from nnrun.runner.engine.checkpoint.kept import Kept
from nnrun.runner.engine.prepare import prepared
from nnrun.runner.engine.training.keeper import Checkpoints
from nnrun.runner.engine.training.stages import train_stages
from nnrun.runner.job import Job
from nnrun.runner.reading import read
from nnrun.runner.record.history import History
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.store import Store, sqlite_uri


def main(work: str, folder: Path, settings: Sequence[str]) -> None:
    display = Display(Console(quiet=True), quiet=True)
    checked, data, _ = read(Job.read(folder / f"{work}.yaml", tuple(settings)), display)
    assert checked.plan is not None
    with tempfile.TemporaryDirectory() as place:
        recorder = Recorder.start(Store(sqlite_uri(Path(place, "mlflow.db"))), outbox=Path(place, "outbox"))
        recorder.open("loop", "loop", {}, {})
        recorder.run_id(wait=60.0)
        history = History(recorder, display)
        keeper = Checkpoints(Kept(Path(place, "checkpoints")), {}, history.state, display.say)
        network, device = prepared(checked.plan, recorder.store, data.ticks)
        before, began = time.process_time(), time.perf_counter()
        train_stages(network, checked.plan, data, device, history, display, keeper=keeper)
        loop, clock = time.process_time() - before, time.perf_counter() - began
        recorder.finish("FINISHED")
    print(json.dumps({"loop": loop, "clock": clock}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
