"""Whole runs beside scripts of torch, Lightning and Keras: processor time of everything that a command starts, time by the clock, memory.

    python tests/benchmarks/whole_runs.py [--json FILE] [--rounds 3] [--only TEXT]

Four workloads (`whole/`): each a spec that is run with MLflow on, a script of torch that tracks nothing, a script of Lightning with its
logger of MLflow, and a script of Keras. They take turns, one core and one thread, and a ratio is that of their medians: ours / peer,
smaller is better. Time by the clock is measured on all cores. Lightning and Keras are the extra `benchmark`: pip install -e ".[benchmark]".
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent / "whole"))
import made
from report import Row, options, report

HERE = Path(__file__).parent

SPECS = HERE.parents[1] / "specs"

SCRIPTS = ("ours", "torch", "lightning", "keras")
"""Ways that train, and say how well."""

WORKS = ("cnn", "lstm", "inception", "mlp")


STORE = "from mlflow import MlflowClient; MlflowClient('sqlite:///mlflow.db').search_experiments()"

IMPORTS = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {STORE!r}], check=True); import torch"
"""What a run that is recorded cannot do without, in the two processes that it has."""

AGREE = 0.05
"""How far test accuracies of the same workload may lie apart."""

VERBS = {
    "nnrun --help": (["--help"], 0.06),
    "nnrun check SPEC": (["check", str(SPECS / "cnn_digits.yaml")], 0.15),
    "nnrun schema": (["schema"], 0.15),
    "nnrun smoke, a spec": (["smoke", str(SPECS)], 1.5),
}
"""Commands, and processor seconds that they may take."""


PYDANTIC = "import click, yaml; from pydantic import BaseModel; type('One', (BaseModel,), {'__annotations__': {'x': int}})(x=1)"
"""What no `check` can do without: the libraries of the project, and one model."""


class Taken(NamedTuple):
    """What a command took with everything that it started, and the JSON that it wrote."""

    processor: float
    clock: float
    memory: float
    """MiB of the process itself, or of the largest that it waited for."""
    said: dict[str, Any]


Measure = Callable[[Taken], float]


class Ratio(NamedTuple):
    """What is divided by what, at most how much it may be in each workload, and on how many cores it is measured."""

    name: str
    ours: str
    peer: str
    measure: Measure
    limits: tuple[float | None, ...]
    pinned: bool = True
    unit: str = "s"


RATIOS = (
    Ratio("loop / torch's loop", "our loop", "torch", lambda one: one.said["loop"], (0.60, 0.25, 0.50, 0.30)),
    Ratio("floor: kernels of the loop alone / torch's loop", "floor", "torch", lambda one: one.said["loop"], (None,) * 4),
    Ratio("whole run with MLflow / script of torch", "ours", "torch", lambda one: one.processor, (1.00, 0.40, 0.70, 1.00)),
    Ratio("floor: the kernels, and torch and MLflow imported / script of torch", "least", "torch", lambda one: one.processor, (None,) * 4),
    Ratio("whole run / Lightning with MLFlowLogger", "ours", "lightning", lambda one: one.processor, (0.42, 0.35, 0.60, 0.42)),
    Ratio("whole run / Keras without tracking", "ours", "keras", lambda one: one.processor, (1.0, 1.0, 1.0, 1.0)),
    Ratio("second run, from the data cache / script of torch", "ours again", "torch", lambda one: one.processor, (1.00, 0.40, 0.70, 1.00)),
    Ratio("by the clock, all cores / script of torch", "ours", "torch", lambda one: one.clock, (0.90, 0.40, 0.65, 0.90), pinned=False),
    Ratio("peak memory / script of torch", "ours", "torch", lambda one: one.memory, (1.15, 1.15, 1.15, 1.15), unit="MiB"),
)


def run(command: Sequence[str | Path], folder: Path, core: int | None) -> Taken:
    """Waits for the command and for everything that it started."""
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "NO_COLOR": "1",
    }
    environment.pop("MLFLOW_TRACKING_URI", None)
    pin = (lambda: os.sched_setaffinity(0, {core})) if core is not None else None
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=complained, preexec_fn=pin)
        _, status, own = os.wait4(process.pid, 0)
        clock = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complained.seek(0)
        text, trouble = said.read().decode(), complained.read().decode()
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{trouble}")
    spent = own.ru_utime + own.ru_stime + sum(orphans())
    return Taken(spent, clock, own.ru_maxrss / 1024, json.loads(text) if text.startswith("{") else {})


def orphans() -> Iterator[float]:
    """Processor seconds of processes that were left behind; waits for their end."""
    while True:
        try:
            _, _, used = os.wait4(-1, 0)
        except ChildProcessError:
            return
        yield used.ru_utime + used.ru_stime


def adopt_orphans() -> None:
    """Lets processes whose parents end be children of this one."""
    set_child_subreaper = 36
    if ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0):
        raise OSError("prctl refused PR_SET_CHILD_SUBREAPER")


def ways(work: str, folder: Path) -> dict[str, list[str | Path]]:
    """Commands that do the same."""

    def script(name: str) -> list[str | Path]:
        return [sys.executable, HERE / "whole" / name, work, folder]

    found: dict[str, list[str | Path]] = {
        "ours": [sys.executable, "-m", "nnrun", f"{work}.yaml", "--json", "--quiet"],
        "ours again": [sys.executable, "-m", "nnrun", f"{work}.yaml", "--json", "--quiet"],
        "torch": script("torch_script.py"),
        "our loop": script("nnrun_loop.py"),
        "floor": script("floor.py"),
        "imports": [sys.executable, "-c", IMPORTS],
    }
    found |= {name: script(f"{name}_script.py") for name in ("lightning", "keras") if find_spec(name)}
    return found


def measure(work: str, folder: Path, rounds: int, core: int) -> Iterator[Row]:
    """All rows of a workload."""
    taken: dict[tuple[str, bool], list[Taken]] = defaultdict(list)
    run(ways(work, folder)["our loop"], folder, core)  # loops are compiled once for a machine
    for _ in range(rounds):
        for way, command in ways(work, folder).items():
            for pinned in (True, False) if way in ("ours", "torch") else (True,):
                if way == "ours":
                    shutil.rmtree(folder / "cache" / "nnrun" / "data", ignore_errors=True)
                taken[way, pinned].append(run(command, folder, core if pinned else None))
    for kernels, imports in zip(taken["floor", True], taken["imports", True], strict=True):
        taken["least", True].append(imports._replace(processor=imports.processor + kernels.said["loop"]))
    found = {way: accuracy(several[-1].said) for (way, pinned), several in taken.items() if pinned and way in SCRIPTS}
    print(f"{work}: test accuracy " + ", ".join(f"{way} {value:.4f}" for way, value in found.items()), file=sys.stderr)
    if max(found.values()) - min(found.values()) > AGREE:
        raise SystemExit(f"{work} is not the same everywhere")
    for ratio in RATIOS:
        if (ratio.peer, ratio.pinned) not in taken:
            continue
        ours, theirs = (statistics.median(map(ratio.measure, taken[way, ratio.pinned])) for way in (ratio.ours, ratio.peer))
        limit = ratio.limits[WORKS.index(work)]
        yield Row(ratio.name, work, ours / theirs, limit, f"{ours:.2f} / {theirs:.2f} {ratio.unit}")


def accuracy(said: dict[str, Any]) -> float:
    """On the test part."""
    return float(said["figures"]["test/accuracy"] if "figures" in said else said["accuracy"])


def verbs(folder: Path, rounds: int, core: int) -> Iterator[Row]:
    """Commands that train nothing, or next to nothing. Ratios and limits are seconds of processor."""
    specs = len(list(SPECS.glob("*.yaml")))
    for name, (words, limit) in VERBS.items():
        several = [run([sys.executable, "-m", "nnrun", *words], folder, core).processor for _ in range(rounds)]
        seconds = statistics.median(several) / (specs if words[0] == "smoke" else 1)
        yield Row(name, "seconds", seconds, limit, f"{seconds:.3f} s")
    floor = statistics.median(run([sys.executable, "-c", PYDANTIC], folder, core).processor for _ in range(rounds))
    yield Row("floor of check: click, YAML and a model of pydantic", "seconds", floor, None, f"{floor:.3f} s")


def main() -> None:
    arguments = options(__doc__, 3, "a part of the name of a workload, or `verbs`").parse_args()
    adopt_orphans()
    core = max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="nnrun-whole-") as place:
        folder = Path(place)
        made.write(folder)
        for spec in (HERE / "whole").glob("*.yaml"):
            shutil.copy(spec, folder)
        parts = [measure(work, folder, arguments.rounds, core) for work in WORKS if arguments.only in work]
        if arguments.only in "verbs":
            parts.append(verbs(folder, arguments.rounds, core))
        report(itertools.chain.from_iterable(parts), ("lightning", "keras"), arguments.json)


if __name__ == "__main__":
    main()
