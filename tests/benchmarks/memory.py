"""How near the plan of memory comes to what a training really takes: `python tests/benchmarks/memory.py [--json FILE]`.

Each spec is run in a process of its own, which first imports all that a run imports. What it takes beyond that, at most, stands beside
the plan.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]

IMPORTED = (
    "sklearn.datasets", "sklearn.linear_model", "matplotlib.pyplot", "pandas", "vega_datasets", "statsmodels.api", "torchmetrics",
    "nnrun.runner.engine.training.stages", "nnrun.runner.engine.training.baselines.baseline", "nnrun.runner.record.contents",
)  # fmt: skip

SPECS: tuple[tuple[str, ...], ...] = (
    ("mlp_digits", "train.epochs=2"),
    ("mlp_digits", "train.epochs=1", "nodes.hidden.units=500000"),
    ("cnn_digits", "train.epochs=1"),
    ("cnn_digits", "train.epochs=1", "train.batch_size=1024"),
    ("lstm_sentiment", "train.epochs=1"),
    ("lstm_by_hand_sentiment", "train.epochs=1"),
    ("char_lm", "train.epochs=1"),
    ("convlstm_digit_films", "train.epochs=1"),
    ("translate_numbers", "train.epochs=1"),
    ("rbm_digits", "train.epochs=2"),
    ("dbm_digits", "train.epochs=2"),
    ("hopfield_capacity",),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    arguments, rows = parser.parse_args(), []
    print(f"{'spec':<58} {'planned MiB':>11} {'peak MiB':>9} {'ratio':>6}")
    for name, *settings in SPECS:
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": folder}
            command = [sys.executable, __file__, "--measured", name, *settings]
            done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        planned, peak = json.loads(done.stdout.splitlines()[-1])
        print(f"{' '.join([name, *settings]):<58} {planned / 2**20:>11.1f} {peak / 2**20:>9.1f} {planned / peak:>6.2f}", flush=True)
        work = "memory that a training takes / as it was planned"
        rows.append({"work": work, "size": " ".join([name, *settings]), "ratio": peak / planned, "limit": 1.0})
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def measured(name: str, settings: Sequence[str]) -> tuple[int, int]:
    """Bytes that were planned, and that a run took at most."""
    for module in IMPORTED:
        import_module(module)
    from rich.console import Console

    from nnrun.runner import run as runs
    from nnrun.runner.display import Display
    from nnrun.runner.job import Job
    from nnrun.runner.tracking.store import Store

    before, job = status("VmRSS"), Job.read(ROOT / "specs" / f"{name}.yaml", settings)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak begins anew
    planned = []

    def planning(*given: object) -> object:
        memory = original(*given)  # type: ignore[arg-type]
        planned.append(memory.total)
        return memory

    from nnrun.runner.engine.data import room

    original = room.planned
    room.planned = planning  # type: ignore[assignment]
    runs.run(job, Store.from_environment(), Display(Console(stderr=True), quiet=True))
    return planned[-1], status("VmHWM") - before


def status(name: str) -> int:
    """Bytes, as the kernel counts them for this process."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measured"]:
        print(json.dumps(measured(sys.argv[2], sys.argv[3:])))
    else:
        main()
