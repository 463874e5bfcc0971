"""All that needs more than a process and memory, one after the other: `python -m tests.cluster [NAME...]`.

A sweep and a job on Ray whose node is killed, a job on SLURM that is put back into the queue, a store on PostgreSQL that is killed, 3 GB of
Parquet and 20,000 pictures from the disk. Needs Debian's packages of SLURM and PostgreSQL and the extras of the tests. Exit code 1 if one
fails.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

SHOWS = {
    "ray": ["-m", "tests.cluster.ray_sweep"],
    "ray-job": ["-m", "tests.cluster.ray_job"],
    "slurm": ["-m", "tests.cluster.slurm_requeue"],
    "store": ["-m", "tests.cluster.team_store"],
    "disk": ["tests/benchmarks/on_disk.py"],
}


def main(names: list[str]) -> int:
    """Each of the shows that are named, or all."""
    if unknown := set(names) - set(SHOWS):
        sys.exit(f"{', '.join(sorted(unknown))}: there are only {', '.join(SHOWS)}")
    failed, began = [], time.monotonic()
    for name in names or SHOWS:
        print(f"--- {name}", flush=True)
        start = time.monotonic()
        code = subprocess.run([sys.executable, *SHOWS[name]], cwd=ROOT, check=False).returncode
        print(f"--- {name}: {'held' if code == 0 else f'failed with {code}'}, {time.monotonic() - start:.0f} s", flush=True)
        failed += [name] if code else []
    print(f"{time.monotonic() - began:.0f} s in all; {', '.join(failed) or 'nothing'} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
