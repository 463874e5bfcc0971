"""The short form of the campaigns against checkpoints: kill -9 and signals at random moments, and kill -9 within a save."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest


def campaign(*words: str) -> str:
    """What a campaign prints, run as a process of its own: it forks, which a process with threads must not."""
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_killed_training_goes_on_to_the_bit_and_is_recorded_once() -> None:
    assert "2 of 2 held" in campaign("tests.faults.kills", "--count", "2", "--seed", "5", "--kinds", "lstm", "stages")


def test_a_stopped_training_is_saved_and_no_step_is_done_twice() -> None:
    assert "2 of 2 held" in campaign("tests.faults.stops", "--count", "2", "--seed", "5", "--kinds", "loop by hand", "restricted machine")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace kills at a system call: apt-get install strace")
def test_a_save_that_is_killed_at_any_system_call_leaves_the_newer_or_the_older_checkpoint() -> None:
    said = campaign("tests.faults.torn", "--stride", "12")
    good, _, count, _ = said.splitlines()[-1].split()

    assert good == count
    assert int(count) >= 7
