"""A smoke test of a spec from a stranger, in a process of its own that can do little: `nnrun smoke --untrusted`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile

from nnrun.registry.data.files import confined
from nnrun.runner.job import Job
from nnrun.runner.smoke import smoke, throwaway
from nnrun.runner.untrusted.shut import shut_in

SECONDS = 180
"""On the clock for a spec; of a processor for each of its processes."""

MEMORY = 8 << 30
"""Bytes of address space for each of its processes; torch alone takes about a half of it."""

KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")
"""Of the environment: what Python needs to start, and nothing that somebody might keep secret."""


def smoke_apart(job: Job) -> str | None:
    """What went wrong, or None. Nothing is left behind, no data is read, and it ends in time."""
    with tempfile.TemporaryDirectory(prefix="nnrun-smoke-", ignore_cleanup_errors=True) as home:
        command = [sys.executable, "-P", "-m", "nnrun.runner.apart"]
        given = json.dumps({"text": job.text, "name": job.name, "settings": job.settings})
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=home, env=environment(home),
            start_new_session=True, text=True,
        ) as process:  # fmt: skip
            try:
                said, complaints = process.communicate(given, timeout=SECONDS)
            except subprocess.TimeoutExpired:
                return f"it took longer than {SECONDS} seconds"
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
    if process.returncode < 0:
        return f"its process was ended by {signal.Signals(-process.returncode).name}, as at the limits of its memory or time"
    if process.returncode:
        return f"its process ended with {process.returncode}: {complaints.strip().splitlines()[-1:]}"
    wrong: str | None = json.loads(said)
    return wrong


def environment(home: str) -> dict[str, str]:
    """What the process knows: where nnrun lies, and a home that is thrown away."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"), home)
    return kept | places | {"PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path)}


def main() -> None:
    """Try the spec that comes over standard input, and write what went wrong to standard output, as JSON."""
    given = json.load(sys.stdin)
    answer = os.dup(1)
    os.dup2(2, 1)  # what libraries print is no answer
    shut_in(MEMORY, SECONDS)
    settings = (*given["settings"], "train.compile=off")  # no compiler is started
    job = Job(given["text"], given["name"], settings, is_trusted=False)
    with confined(), throwaway() as place:
        wrong = smoke(job.checked, place)
    with open(answer, "w", encoding="utf-8") as stream:
        json.dump(wrong, stream)


if __name__ == "__main__":
    main()
