"""A sweep on a Ray of two nodes, one of which is killed half-way: `python -m tests.cluster.ray_sweep --trials 12`.

Both nodes are processes of this machine. Each trial must be in the study once, and have one finished run in MLflow; no run may be called
running at the end; and each is worth what it is by processes of this machine. What came of it is printed, and the exit code is 1 if
something is not as it should be.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.experiments.support import Kept, call, small, start

LONG = 240.0
"""Seconds after which a sweep counts as hanging."""

SEARCH = "search: {type: random, trials: TRIALS}\nover: {train.optimizer.lr: {log: [1e-3, 1e-1]}}"


@dataclass
class Show:
    """What came of it."""

    kept: Kept
    trials: int
    code: int
    said: str
    seconds: float
    """From the command to its end."""
    noticed: float
    """From the death of the node to the word that its trial is tried again."""

    @property
    def statuses(self) -> Counter[str]:
        """How the runs of the trials ended."""
        return Counter(run.info.status for run in self.kept.children)

    def wrong(self) -> Iterator[str]:
        every = list(range(self.trials))
        if self.code:
            yield f"exit code {self.code}: {self.said[-1500:]}"
        if [trial.number for trial in self.kept.trials] != every or self.kept.finished != every:
            yield f"the study has {[(trial.number, trial.state.name) for trial in self.kept.trials]}"
        if self.kept.finished_runs != every:
            yield f"finished runs in MLflow are those of {self.kept.finished_runs}"
        if set(self.statuses) - {"FINISHED", "KILLED"} or self.kept.parent.info.status != "FINISHED":
            yield f"runs ended as {dict(self.statuses)}, the sweep's own as {self.kept.parent.info.status}"
        if "is tried again" not in self.said:
            yield "no trial was under way on the node that was killed"


@contextmanager
def two_nodes(folder: Path, second: str | None = None) -> Iterator[tuple[str, Any, Any]]:
    """A Ray of two nodes with a CPU each: its address, the cluster and the second node, which may have an address of its own."""
    state = {"XDG_STATE_HOME": str(folder / "state"), "MLFLOW_DISABLE_TELEMETRY": "true", "RAY_USAGE_STATS_ENABLED": "0"}
    with patch.dict(os.environ, state):
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        try:
            yield cluster.address, cluster, cluster.add_node(num_cpus=1, **({"node_ip_address": second} if second else {}))
        finally:
            cluster.shutdown()


def show(folder: Path, trials: int, steps: int) -> Show:
    """Sweep in a folder, and kill a node when a third of the trials is done."""
    (folder / "small.yaml").write_text(small(SEARCH.replace("TRIALS", str(trials)), steps))
    with two_nodes(folder) as (address, cluster, second):
        began = time.monotonic()
        killed = noticed = 0.0
        said = ""
        with start(folder, "small.yaml", "--on", "ray", "--address", address, "--workers", "2") as process:
            limit = threading.Timer(LONG, process.kill)
            limit.start()
            assert process.stderr is not None
            for line in process.stderr:
                said += line
                if not killed and f"{trials // 3}/{trials} " in line:
                    time.sleep(0.7)
                    cluster.remove_node(second, allow_graceful=False)
                    killed = time.monotonic()
                if "is tried again" in line and not noticed:
                    noticed = time.monotonic() - killed
        limit.cancel()
        return Show(Kept(folder), trials, process.returncode, said, time.monotonic() - began, noticed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--steps", type=int, default=1500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nnrun-ray-") as name, tempfile.TemporaryDirectory(prefix="nnrun-here-") as other:
        came = show(Path(name), given.trials, given.steps)
        wrong = list(came.wrong())
        shutil.copy(Path(name, "small.yaml"), other)
        call(Path(other), "small.yaml", "--workers", "2")
        if (values := came.kept.values) != Kept(Path(other)).values:
            wrong.append(f"on this machine the trials are worth {Kept(Path(other)).values}, on Ray {values}")
        print(came.said, end="")
        print(f"{len(came.kept.finished)} of {given.trials} trials finished, runs: {dict(came.statuses)}")
        print(f"{came.seconds:.1f} s in all; {came.noticed:.1f} s from the death of the node to the trial's next try")
    for line in wrong:
        print(line)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
