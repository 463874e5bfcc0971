"""The short form of `python -m tests.faults.attacks`: some of each kind, always the same."""

from __future__ import annotations

import subprocess
import sys

from tests.tracking.support import ROOT


def test_what_strangers_send_is_refused_in_words_runs_nothing_and_takes_little() -> None:
    command = [sys.executable, "-m", "tests.faults.attacks", "--count", "60"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
