"""A SLURM of two nodes that are processes of this machine, with a configuration, a secret and logs in one folder."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import psutil
from mlflow import MlflowClient
from mlflow.entities import Run

from nnrun.runner.tracking.store import Store, sqlite_uri
from nnrun.runner.tracking.ui import free_port, served
from tests.faults.victims import environment, write
from tests.tracking.support import wait_until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
PATH = os.pathsep.join((os.environ["PATH"], "/usr/sbin"))

UP = 30.0
"""Seconds in which both nodes must be there, and seconds in which all must have ended."""

AGAIN = 5
"""Seconds, but for one, that a job waits when it is put back into the queue, where SLURM's own default is 120."""

CONFIGURATION = """\
ClusterName=nnrun
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire={again}
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MpiDefault=none
SlurmdTimeout=10
ReturnToService=2
SchedulerParameters=bf_interval=1,sched_interval=1
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=2
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=2
PartitionName=all Nodes=n1,n2 Default=YES State=UP
"""


def missing() -> str | None:
    """Why there can be no SLURM here."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    return f"`{absent[0]}` is not installed: apt-get install munge slurm-client slurmctld slurmd" if absent else None


@dataclass(frozen=True)
class Cluster:
    """SLURM, an MLflow server that both nodes reach, and a folder with a spec."""

    folder: Path
    uri: str
    environment: dict[str, str]
    started: list[subprocess.Popen[bytes]]
    """SLURM's programs, of which each is ended with the cluster."""

    def call(self, *words: str) -> str:
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout

    def submit(self, *words: str) -> str:
        """The number of the job."""
        said = self.call(sys.executable, "-m", "nnrun", "submit", "spec.yaml", "--on", "slurm", *words)
        return said.split()[1]

    def state(self, job: str) -> str:
        """RUNNING, PENDING, COMPLETED; as SLURM calls it."""
        return dict(part.split("=", 1) for part in self.call("scontrol", "show", "job", job).split() if "=" in part)["JobState"]

    def log(self, job: str) -> str:
        path = self.folder / f"lstm-{job}.log"
        return path.read_text() if path.exists() else ""

    def wait_for(self, job: str, said: str, seconds: float = 90.0) -> float:
        """Wait until a job has said something, or is in a state; how long that took."""
        began = time.monotonic()
        while said not in self.log(job) and self.state(job) != said:
            late = time.monotonic() - began > seconds
            assert not late, f"no `{said}` of job {job}, which is {self.state(job)}, within {seconds:.0f} s:\n{self.log(job)}"
            time.sleep(0.2)
        return time.monotonic() - began

    def start(self, *words: str) -> None:
        """Start a program of SLURM's."""
        with (self.folder / "slurm" / "programs.log").open("ab") as log:
            self.started.append(subprocess.Popen(words, env=self.environment, cwd=self.folder / "slurm", stdout=log, stderr=log))

    def kill(self, node: str) -> None:
        """Kill all that a node does, at once, as a power cut would."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                variables = process.environ()
                if variables.get("SLURM_CONF") != self.environment["SLURM_CONF"]:
                    continue
                if process.cmdline()[:4] == ["slurmd", "-D", "-N", node]:
                    process.kill()
                elif variables.get("SLURMD_NODENAME") == node:
                    step = process.parent()
                    process.kill()
                    if step is not None and step.name() == "slurmstepd":
                        step.kill()

    @property
    def runs(self) -> list[Run]:
        return list(MlflowClient(self.uri).search_runs([one.experiment_id for one in MlflowClient(self.uri).search_experiments()]))


@contextmanager
def two_nodes(folder: Path) -> Iterator[Cluster]:
    """Start SLURM and MLflow, and end them, with all that they have started."""
    own = folder / "slurm"
    (own / "state").mkdir(parents=True)
    (own / "munge.key").write_bytes(secrets.token_bytes(128))
    (own / "munge.key").chmod(0o600)
    control, first, second = (free_port("127.0.0.1", 0) for _ in range(3))
    host, user = socket.gethostname(), psutil.Process().username()
    (own / "slurm.conf").write_text(
        CONFIGURATION.format(host=host, user=user, folder=own, again=AGAIN, control=control, first=first, second=second)
    )
    write(folder, "lstm")
    variables = environment(folder) | {"SLURM_CONF": str(own / "slurm.conf"), "PATH": PATH}
    munge = [f"--{name}={own}/munge.{end}" for name, end in (("key-file", "key"), ("socket", "socket"), ("pid-file", "pid"))]
    # an address that is not one by which a machine knows itself alone: so each node of a cluster could reach it
    with (
        patch.dict(os.environ, MLFLOW_SERVER_ALLOWED_HOSTS="*"),
        served(Store(sqlite_uri(folder / "mlflow.db")), "127.0.0.2", 0) as (uri, _),
    ):
        cluster = Cluster(folder, uri, variables | {"MLFLOW_TRACKING_URI": uri}, [])
        try:
            cluster.start("munged", "--foreground", "--force", *munge, f"--seed-file={own}/munge.seed", f"--log-file={own}/munge.log")
            wait_until((own / "munge.socket").exists, UP)
            cluster.start("slurmctld", "-D")
            for node in ("n1", "n2"):
                cluster.start("slurmd", "-D", "-N", node)
            wait_until(lambda: cluster.call("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split() == ["n1", "n2"], UP)
            yield cluster
            cluster.call("scancel", "--user", user)
            wait_until(lambda: not cluster.call("squeue", "-h").strip(), UP)
        finally:
            for process in reversed(cluster.started):
                process.terminate()
                try:
                    process.wait(timeout=UP)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
