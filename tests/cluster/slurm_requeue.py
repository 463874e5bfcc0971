"""A training of two SLURM nodes that has to leave three times, and goes on each time: `python -m tests.cluster.slurm_requeue`.

Its time is nearly up, somebody puts the job back into the queue, and a node dies. There must be one run in MLflow, which finishes, and has
each figure once. What came of it is printed, and the exit code is 1 if something is not as it should be. It takes five minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mlflow import MlflowClient

from tests.cluster.slurm_nodes import Cluster, missing, two_nodes
from tests.tracking.support import wait_until

LONG = 200.0
"""Seconds after which what is waited for counts as not coming."""


def trains(cluster: Cluster, job: str, turn: int) -> bool:
    """Whether a job trains in this turn."""
    *before, said = cluster.log(job).split("\nlstm: ")
    return len(before) == turn and "  epoch " in said


def show(cluster: Cluster, epochs: int) -> Iterator[str]:
    """Let it leave and go on, and tell what is wrong."""
    job = cluster.submit("--nodes", "2", "--time", "3", "--set", f"train.epochs={epochs}")
    for turn, name in enumerate(("its time is up", "scontrol requeue", "a node dies"), 1):
        wait_until(lambda turn=turn: trains(cluster, job, turn), LONG)  # type: ignore[misc]
        began = time.monotonic()
        if name == "scontrol requeue":
            cluster.call("scontrol", "requeue", job)
        elif name == "a node dies":
            cluster.kill("n2")
        cluster.wait_for(job, "PENDING", LONG)
        print(f"{name}: back in the queue after {time.monotonic() - began:.1f} s, {[run.info.status for run in cluster.runs]}", flush=True)
        if name == "a node dies":
            cluster.start("slurmd", "-D", "-N", "n2")
    cluster.wait_for(job, "COMPLETED", 2 * LONG)
    print("\n".join(line for line in cluster.log(job).splitlines() if line.startswith("goes on")))
    if [run.info.status for run in cluster.runs] != ["FINISHED"]:
        yield f"runs in MLflow: {[(run.info.run_id, run.info.status) for run in cluster.runs]}"
    steps = [point.step for point in MlflowClient(cluster.uri).get_metric_history(cluster.runs[0].info.run_id, "valid/loss")]
    print(f"{len(cluster.runs)} run, {len(steps)} evaluations of {epochs} epochs")
    if sorted(steps) != [44 * epoch for epoch in range(epochs + 1)]:
        yield f"evaluations at steps {sorted(steps)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=220)
    given = parser.parse_args()
    if (why := missing()) is not None:
        sys.exit(why)
    with tempfile.TemporaryDirectory(prefix="nnrun-slurm-") as name, two_nodes(Path(name)) as cluster:
        wrong = list(show(cluster, given.epochs))
    for line in wrong:
        print(line)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
