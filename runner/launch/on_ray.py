"""A training among the jobs of a Ray cluster. The job is `gang.py`, which asks Ray for its nodes and starts the processes there."""

from __future__ import annotations

import os
import secrets
import shlex
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec

from nnrun.runner.launch.queued import NotSubmitted, Submitted, Training

FOLDERS = ("XDG_STATE_HOME", "XDG_CACHE_HOME")
"""Variables that say where a run can be gone on with from."""

HIDDEN = ("PASSWORD", "TOKEN", "SECRET", "KEY")
"""In the names of variables that are nobody's business. Ray shows those of a job to all who look at the cluster."""


@dataclass(frozen=True)
class OnRay:
    """The jobs of a cluster, whose head answers at `address`; without one where Ray itself looks for it."""

    training: Training
    cpus: int
    """That each process takes."""
    device: str
    """As `train.device` says it; a process may take a GPU."""
    address: str | None
    job: str = field(default_factory=lambda: f"nnrun-{secrets.token_hex(4)}")

    @property
    def entrypoint(self) -> str:
        """What the job runs."""
        asked = ("--nodes", self.training.nodes, "--processes", self.training.processes, "--cpus", self.cpus, "--device", self.device)
        gang = (sys.executable, "-m", "nnrun.runner.launch.gang", *map(str, asked), "--folder", self.training.folder)
        return shlex.join((*gang, "--", *self.training.command, "--job", self.job))

    @property
    def variables(self) -> dict[str, str]:
        """What the job is told of this process's surroundings. A user and a password are the cluster's own affair."""
        told = {name: value for name, value in os.environ.items() if name.startswith("MLFLOW_") or name in FOLDERS}
        return {name: value for name, value in told.items() if not any(part in name for part in HIDDEN)}

    @property
    def text(self) -> str:
        """The command that does the same."""
        where = () if self.address is None else ("--address", self.address)
        told = "".join(f"{shlex.quote(f'{name}={value}')} " for name, value in self.variables.items())
        return f"{told}ray job submit {shlex.join(('--no-wait', '--submission-id', self.job, *where))} -- \\\n  {self.entrypoint}\n"

    def submit(self) -> Submitted:
        """Raises: NotSubmitted."""
        if find_spec("ray") is None:
            raise NotSubmitted("`--on ray` needs the package ray, which is not installed", 'pip install "nnrun[ray]"')
        from ray.job_submission import JobSubmissionClient

        try:
            client = JobSubmissionClient(self.address)
            client.submit_job(entrypoint=self.entrypoint, submission_id=self.job, runtime_env={"env_vars": self.variables})
        except (ConnectionError, RuntimeError, ValueError) as error:
            help = "`--address` is that of the head's dashboard, such as http://10.0.0.1:8265; the cluster needs `ray[default]`"
            raise NotSubmitted(f"Ray does not take the job: {' '.join(str(error).split())}", help) from None
        return Submitted(self.job, f"ray job logs --address {client.get_address()} --follow {self.job}")
