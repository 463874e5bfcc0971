"""The short form of `python -m tests.faults.attacks`: some of each kind, always the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.attacks import Attack, tried
from tests.tracking.support import ROOT


def test_what_strangers_send_is_refused_in_words_runs_nothing_and_takes_little() -> None:
    command = [sys.executable, "-m", "tests.faults.attacks", "--count", "60"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def run(folder: Path) -> str:
    os.system("touch ../ran")
    return "a finding"


def write(folder: Path) -> str:
    (folder.parent / "outside" / "more").touch()
    return "a finding"


@pytest.mark.parametrize(
    ("meet", "said"),
    [
        (run, "TOUCHED: "),
        (write, "TOUCHED: "),
        (lambda folder: str(1 // 0), "TRACEBACK: "),
        (lambda folder: "", "NOT REFUSED"),
        (lambda folder: str(len(b"1" * (3 << 29))), "bytes: refused"),
    ],
    ids=["a program", "a file outside", "a traceback", "nothing said", "memory"],
)
def test_the_campaign_sees(meet: Callable[[Path], str], said: str) -> None:
    assert said in str(tried(Attack("one", lambda folder: None, meet)))
