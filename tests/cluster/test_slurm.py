"""Trainings in the queue of a real SLURM, whose two nodes are processes of this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nnrun.runner.cli import main
from tests.cluster.slurm_nodes import Cluster, missing, two_nodes
from tests.faults.victims import write

needs_slurm = pytest.mark.skipif(not os.environ.get("CI") and missing() is not None, reason=missing() or "")

SCRIPT = r"""#!/bin/bash
#SBATCH --job-name=lstm
#SBATCH --chdir=FOLDER
#SBATCH --output=lstm-%j.log
#SBATCH --open-mode=append
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4
#SBATCH --requeue
#SBATCH --signal=TERM@120
#SBATCH --exclusive
#SBATCH --comment='two words'
#SBATCH --time=8:00:00
#SBATCH --partition=gpus

# Each process is told what torchrun would tell it. The first of them is on this node.
export MASTER_ADDR=$(hostname) MASTER_PORT=$((10000 + SLURM_JOB_ID % 20000))
place='RANK=$SLURM_PROCID WORLD_SIZE=$SLURM_NTASKS LOCAL_RANK=$SLURM_LOCALID LOCAL_WORLD_SIZE=$SLURM_NTASKS_PER_NODE'
srun --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" bash -c "export $place; exec \"\$@\"" - \
  PYTHON -m nnrun run spec.yaml --set train.epochs=3 --set train.seed=7 --job "slurm-$SLURM_JOB_ID"
code=$?

# 143: SIGTERM has ended the run, because its time is up or others need the nodes. It is saved; when it is the job's turn again, it goes on.
if [ $code = 143 ]; then scontrol requeue $SLURM_JOB_ID; fi
exit $code
"""


def submit(*words: str) -> Result:
    return CliRunner().invoke(main, ["submit", "spec.yaml", "--on", "slurm", *words])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in which there is a spec."""
    write(tmp_path, "lstm")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_dry_run_prints_the_script(here: Path) -> None:
    asked = ("--time", "8:00:00", "--partition", "gpus", "--sbatch", "signal=TERM@120", "--sbatch", "exclusive")
    said = submit("--devices", "4", "--seed", "7", "--set", "train.epochs=3", *asked, "--sbatch", "comment=two words", "--dry-run")

    assert said.exit_code == 0, said.output
    assert said.stdout == SCRIPT.replace("FOLDER", str(here)).replace("PYTHON", sys.executable)


@pytest.mark.parametrize(
    ("words", "code", "wanted"),
    [
        (("--set", "nodes.out.units=0"), 1, "error[out-of-range]"),
        (("--nodes", "2"), 4, "2 nodes do not all reach the store `sqlite:///"),
        (("--sbatch", "nodes=2"), 2, "`--nodes` and `--devices` say how many processes there are"),
        (("--sbatch", "mail-user=me\n#SBATCH --uid=0"), 2, "is no option of sbatch"),
    ],
)
def test_what_cannot_be_is_refused_before_it_waits_in_a_queue(words: tuple[str, ...], code: int, wanted: str, here: Path) -> None:
    said = submit(*words, "--dry-run")

    assert said.exit_code == code
    assert wanted in said.stderr
    assert said.stdout == ""


def test_without_slurm_its_command_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(here))
    said = submit()

    assert said.exit_code == 4
    assert "error[not-submitted]: `--on slurm` needs the command `sbatch`, which is not on this machine" in said.stderr


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with two_nodes(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@needs_slurm
def test_a_job_that_is_told_to_end_goes_on_in_the_same_run_on_two_nodes(cluster: Cluster) -> None:
    job = cluster.submit("--nodes", "2", "--set", "train.epochs=20")
    cluster.wait_for(job, "  epoch ")
    cluster.call("scancel", "--signal=TERM", job)  # as SLURM does it, when the time is nearly up
    cluster.wait_for(job, "PENDING")
    said, (first,) = cluster.log(job), cluster.runs

    assert (first.info.status, first.data.tags["error"], first.data.tags["job"]) == ("KILLED", "stopped by SIGTERM", f"slurm-{job}")

    cluster.wait_for(job, "COMPLETED")
    (last,) = cluster.runs
    assert (last.info.run_id, last.info.status) == (first.info.run_id, "FINISHED")
    assert "goes on from step" in cluster.log(job).removeprefix(said)


@needs_slurm
def test_what_slurm_refuses_is_said_in_its_words(cluster: Cluster) -> None:
    with pytest.raises(AssertionError, match="refuses the job: invalid partition specified: none; Batch job submission failed: Invalid"):
        cluster.submit("--partition", "none")
