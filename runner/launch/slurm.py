"""SLURM starts the processes of one training, and starts them again when it has made them leave.

`srun` itself starts each of them, with the variables of torchrun. An agent between the two would answer 1 whatever its processes answer,
and pass on a signal that SLURM has already sent to all of them.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nnrun.runner.launch.queued import NotSubmitted, Submitted, Training

OPTION = re.compile(r"[a-z][a-z-]*")
"""How options of `sbatch` are called."""

COUNTED = ("nodes", "ntasks", "ntasks-per-node")
"""Those that say how many processes there are, which options of our own do."""

SCRIPT = r"""#!/bin/bash
{options}

# Each process is told what torchrun would tell it. The first of them is on this node.
export MASTER_ADDR=$(hostname) MASTER_PORT=$((10000 + SLURM_JOB_ID % 20000))
place='RANK=$SLURM_PROCID WORLD_SIZE=$SLURM_NTASKS LOCAL_RANK=$SLURM_LOCALID LOCAL_WORLD_SIZE=$SLURM_NTASKS_PER_NODE'
srun --cpus-per-task="${{SLURM_CPUS_PER_TASK:-1}}" bash -c "export $place; exec \"\$@\"" - \
  {command} --job "slurm-$SLURM_JOB_ID"
code=$?

# 143: SIGTERM has ended the run, because its time is up or others need the nodes. It is saved; when it is the job's turn again, it goes on.
if [ $code = 143 ]; then scontrol requeue $SLURM_JOB_ID; fi
exit $code
"""


@dataclass(frozen=True)
class Slurm:
    """The queue of SLURM, with options of `sbatch` that stand in the place of ours."""

    training: Training
    given: Mapping[str, str]

    @property
    def text(self) -> str:
        """The script that `sbatch` takes."""
        lines = [f"#SBATCH --{key}" + (f"={shlex.quote(value)}" if value else "") for key, value in self.options.items()]
        return SCRIPT.format(options="\n".join(lines), command=shlex.join(self.training.command))

    @property
    def options(self) -> Mapping[str, str]:
        ours = {
            "job-name": self.training.name,
            "chdir": self.training.folder,
            "output": f"{self.training.name}-%j.log",
            "open-mode": "append",
            "nodes": str(self.training.nodes),
            "ntasks-per-node": str(self.training.processes),
            "requeue": "",
            "signal": "TERM@60",
        }
        return {**ours, **self.given}

    def submit(self) -> Submitted:
        """Raises: NotSubmitted."""
        if shutil.which("sbatch") is None:
            help = "a job is submitted where SLURM's commands are; `--dry-run` prints the script, to submit it there"
            raise NotSubmitted("`--on slurm` needs the command `sbatch`, which is not on this machine", help)
        done = subprocess.run(["sbatch", "--parsable"], input=self.text, capture_output=True, text=True, check=False)
        if done.returncode:
            why = "; ".join(line.removeprefix("sbatch: ").removeprefix("error: ") for line in done.stderr.splitlines())
            raise NotSubmitted(f"sbatch refuses the job: {why}", "`--dry-run` prints what it was given")
        number = done.stdout.strip().partition(";")[0]
        return Submitted(number, self.options["output"].replace("%j", number))


def parsed(given: Iterable[str]) -> dict[str, str]:
    """Options written `KEY=VALUE`, or `KEY` where it takes no value. Raises: ValueError."""
    found = {}
    for text in given:
        key, _, value = text.removeprefix("--").partition("=")
        if not OPTION.fullmatch(key) or not value.isprintable():
            raise ValueError(f"`{text}` is no option of sbatch; such as `account=physics` or `exclusive` is")
        if key in COUNTED:
            raise ValueError(f"`{key}` is not given so: `--nodes` and `--devices` say how many processes there are")
        found[key] = value
    return found
