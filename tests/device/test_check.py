"""The check of a machine with a GPU, in small on this one's processor."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.device import sections
from tests.device.check import NO_GPU, SHARES
from tests.tracking.support import ROOT

NUMBERS = {
    "machine": ["cores"],
    "smoke": ["took"],
    "agreement": [],
    "reads": ["waits"],
    "cells": ["ms"],
    "precision": ["ms_a_step", "loss"],
    "whole": ["seconds", "steps"],
}
"""Of each row of a section."""


def checked(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tests" / "device" / "check.py"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=os.environ)


def test_every_section_yields_numbers(tmp_path: Path) -> None:
    done = checked("--device", "cpu", "--json", tmp_path / "found.json")
    found: dict[str, Any] = json.loads((tmp_path / "found.json").read_text())

    assert done.returncode == 0, done.stdout + done.stderr
    assert list(found) == list(SHARES)
    for name, section in found.items():
        assert section["rows"], name
        assert (section["failed"], section["left_out"]) == ([], []), name
        assert all(math.isfinite(row[key]) for row in section["rows"] for key in NUMBERS[name]), name
        assert f"## {name}, " in done.stdout
    assert all(any(key.endswith("_difference") for key in row) for row in found["agreement"]["rows"])
    assert all(row["figures"] for row in found["whole"]["rows"])


def test_a_section_that_has_no_time_is_told(tmp_path: Path) -> None:
    done = checked("--device", "cpu", "--only", "machine", "--minutes", "0.09", "--json", tmp_path / "found.json")

    assert done.returncode == 1
    assert json.loads((tmp_path / "found.json").read_text())["machine"]["failed"] == ["nothing was done in time"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_machine_without_a_gpu_is_said() -> None:
    done = checked()

    assert done.returncode == NO_GPU
    assert done.stderr.startswith("torch sees no GPU on this machine; `--device cpu`")


def test_what_an_item_raises_is_told_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    items = {"one": lambda: {"ms": 1 / 0}, "other": lambda: {"ms": 1.0}}
    monkeypatch.setitem(sections.SECTIONS, "cells", lambda device: items)
    monkeypatch.setattr(sys, "argv", ["sections.py", "cells", "cpu"])
    sections.main()
    expected, one, other = (json.loads(line) for line in capsys.readouterr().out.splitlines())

    assert expected == {"items": ["one", "other"]}
    assert one["failed"] == "ZeroDivisionError: division by zero"
    assert other["ms"] == 1.0
