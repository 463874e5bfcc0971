"""What a second thread is worth: the loop with two threads beside the loop with one, by the clock, and how many `threads: auto` takes.

    python tests/benchmarks/threads.py [--json FILE] [--rounds 3] [--only TEXT]

Two cores that are otherwise idle are needed. A ratio is that of medians; where `auto` takes two threads it may be 1 at most.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "whole"))
import made
from report import Row, options, report

from nnrun.runner.compiler.work import largest_product
from nnrun.runner.engine.threads import WORTH
from nnrun.runner.job import Job

HERE = Path(__file__).parent

STEPS = ("train.epochs=null", "train.steps={}")

WORKS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "cnn, 64 examples": ("cnn", 70, ()),
    "cnn, 512 examples": ("cnn", 15, ("train.batch_size=512",)),
    "inception, 64 examples": ("inception", 40, ()),
    "inception, 16 examples": ("inception", 150, ("train.batch_size=16",)),
    "lstm of 128, 64 examples": ("lstm", 100, ()),
    "lstm of 256, 16 examples": ("lstm", 100, ("train.batch_size=16", "nodes.memory.units=256")),
    "lstm of 512, 64 examples": ("lstm", 40, ("nodes.memory.units=512",)),
    "mlp of 64, 256 examples": ("mlp", 300, ()),
    "mlp of 64, 4096 examples": ("mlp", 40, ("train.batch_size=4096",)),
    "mlp of 256, 256 examples": ("mlp", 300, ("nodes.hidden1.units=256", "nodes.hidden2.units=256")),
    "mlp of 1024, 256 examples": ("mlp", 150, ("nodes.hidden1.units=1024", "nodes.hidden2.units=1024")),
}
"""A workload of `whole/`, how many steps of it, and what is changed."""


def clock(work: str, folder: Path, settings: tuple[str, ...], threads: int) -> float:
    command = [sys.executable, HERE / "whole" / "nnrun_loop.py", work, folder, *settings, f"train.threads={threads}"]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    return float(json.loads(said)["clock"])


def measure(name: str, folder: Path, rounds: int) -> Iterator[Row]:
    work, steps, changed = WORKS[name]
    settings = (*(word.format(steps) for word in STEPS), *changed)
    plan = Job.read(folder / f"{work}.yaml", settings).checked.plan
    assert plan is not None
    product = largest_product(plan)
    taken: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for threads, seconds in taken.items():
            seconds.append(clock(work, folder, settings, threads))
    one, two = (statistics.median(taken[threads]) for threads in (1, 2))
    takes = max(1, min(2, product // WORTH))
    detail = f"{two:.2f} / {one:.2f} s, `auto` takes {takes}"
    yield Row(name, f"{product / 1e6:.3g} million", two / one, 1.0 if takes == 2 else None, detail)


def main() -> None:
    arguments = options(__doc__, 3, "a part of the name of a work").parse_args()
    with tempfile.TemporaryDirectory(prefix="nnrun-threads-") as place:
        folder = Path(place)
        made.write(folder)
        for spec in (HERE / "whole").glob("*.yaml"):
            shutil.copy(spec, folder)
        found = (row for name in WORKS if arguments.only in name for row in measure(name, folder, arguments.rounds))
        report(found, (), arguments.json)


if __name__ == "__main__":
    main()
