"""A training on two nodes of Ray, one of which is killed, and that is stopped: `python -m tests.cluster.ray_job`.

The nodes are processes of this machine, and a third is there to take the place of the one that is killed. There must be one run in
MLflow, which goes on there, is killed by `ray job stop`, and is gone on with here. What came of it is printed; exit code 1 if something is
not as it should be.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from mlflow import MlflowClient
from mlflow.entities import Run

from nnrun.runner.tracking.store import Store, sqlite_uri
from nnrun.runner.tracking.ui import free_port, served
from tests.faults.victims import environment, write
from tests.tracking.support import wait_until

LONG = 120.0
"""Seconds after which what is waited for counts as not coming."""


@dataclass(frozen=True)
class Cluster:
    """Ray with its dashboard, an MLflow server, and a folder with a spec."""

    folder: Path
    uri: str
    address: str
    environment: dict[str, str]
    ray: Any
    nodes: list[Any]

    def call(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "nnrun", *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, f"{' '.join(words)}: {done.stderr}"
        return done.stdout + done.stderr

    def submit(self, *words: str) -> str:
        """The job. A cluster that has just begun takes none for some seconds."""
        end = time.monotonic() + LONG
        while True:
            try:
                return self.call("submit", "spec.yaml", "--on", "ray", "--address", self.address, *words).split()[1]
            except AssertionError as refused:
                if "No available agent" not in str(refused) or time.monotonic() > end:
                    raise
                time.sleep(1.0)

    @property
    def jobs(self) -> Any:
        from ray.job_submission import JobSubmissionClient

        return JobSubmissionClient(self.address)

    def wait_for(self, job: str, said: str, again: int = 1) -> None:
        """Wait until a job has said something so often, or is in a state."""

        def come() -> bool:
            return said == self.jobs.get_job_status(job).name or self.jobs.get_job_logs(job).count(said) >= again

        try:
            wait_until(come, LONG)
        except AssertionError:
            raise AssertionError(f"no `{said}` within {LONG:.0f} s: {self.jobs.get_job_logs(job)}") from None

    @property
    def runs(self) -> list[Run]:
        client = MlflowClient(self.uri)
        return list(client.search_runs([one.experiment_id for one in client.search_experiments()]))


@contextmanager
def three_nodes(folder: Path) -> Iterator[Cluster]:
    """Ray's head, which has no room itself, and nodes with a CPU each."""
    write(folder, "lstm")
    variables = environment(folder) | {"RAY_USAGE_STATS_ENABLED": "0", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (
        patch.dict(os.environ, {**variables, "MLFLOW_SERVER_ALLOWED_HOSTS": "*"}),
        served(Store(sqlite_uri(folder / "mlflow.db")), "127.0.0.2", 0) as (uri, _),
    ):
        from ray.cluster_utils import Cluster as Ray

        port = free_port("127.0.0.1", 0)
        head = {"num_cpus": 0, "include_dashboard": True, "dashboard_port": port}
        ray = Ray(initialize_head=True, head_node_args=head)
        try:
            nodes = [ray.add_node(num_cpus=1) for _ in range(3)]
            yield Cluster(folder, uri, f"http://127.0.0.1:{port}", {**variables, "MLFLOW_TRACKING_URI": uri}, ray, nodes)
        finally:
            ray.shutdown()


def taken(cluster: Cluster) -> list[Any]:
    """The nodes whose CPU is used."""
    import psutil

    def works(node: Any) -> bool:
        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        return any("nnrun" in child.cmdline() and "run" in child.cmdline() for child in raylet.children(recursive=True))

    return [node for node in cluster.nodes if works(node)]


def show(cluster: Cluster, epochs: int) -> Iterator[str]:
    """Let it lose a node, and stop it; what is wrong."""
    job = cluster.submit("--nodes", "2", "--set", f"train.epochs={epochs}")
    cluster.wait_for(job, "  epoch ")
    time.sleep(1.0)
    lost = taken(cluster)[-1]
    began = time.monotonic()
    cluster.nodes.remove(lost)
    cluster.ray.remove_node(lost, allow_graceful=False)
    cluster.wait_for(job, "goes on from step")
    print(f"a node dies: trained on after {time.monotonic() - began:.1f} s", flush=True)
    wait_until(lambda: [run.info.status for run in cluster.runs] == ["RUNNING"], LONG)
    cluster.jobs.stop_job(job)
    cluster.wait_for(job, "STOPPED")
    wait_until(lambda: [run.info.status for run in cluster.runs] == ["KILLED"], LONG)
    said = cluster.call("resume", "--devices", "1")
    print("\n".join(line for line in said.splitlines() if "goes on" in line))
    if [run.info.status for run in cluster.runs] != ["FINISHED"]:
        yield f"runs in MLflow: {[(run.info.run_id, run.info.status) for run in cluster.runs]}"
    steps = [point.step for point in MlflowClient(cluster.uri).get_metric_history(cluster.runs[0].info.run_id, "valid/loss")]
    print(f"{len(cluster.runs)} run, {len(steps)} evaluations of {epochs} epochs")
    if sorted(steps) != [44 * epoch for epoch in range(epochs + 1)]:
        yield f"evaluations at steps {sorted(steps)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nnrun-ray-") as name, three_nodes(Path(name)) as cluster:
        wrong = list(show(cluster, given.epochs))
    for line in wrong:
        print(line)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
