"""Several specs in one command share imports and the process that talks to MLflow; each run is what it is alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.tracking.support import ROOT

SPECS = [str(ROOT / "specs" / f"{name}.yaml") for name in ("cnn_digits", "lstm_by_hand_sentiment", "mlp_digits")]
SHORT = ["--set", "train.epochs=1", "--set", "track.baseline=none", "--set", "data.split.train=0.1", "--quiet", "--json"]


def runs(folder: Path, *specs: str) -> list[dict[str, Any]]:
    """What a command says of its runs, in a process of its own."""
    folder.mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state")}
    command = [sys.executable, "-m", "nnrun", *specs, *SHORT]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    return said if isinstance(said, list) else [said]


def figures(said: dict[str, Any]) -> dict[str, float]:
    """All but those of the clock."""
    return {name: value for name, value in said["figures"].items() if not name.startswith("system/")}


def test_runs_of_one_command_are_those_of_three(tmp_path: Path) -> None:
    together = runs(tmp_path / "together", *SPECS)
    alone = [said for number, spec in enumerate(SPECS) for said in runs(tmp_path / str(number), spec)]

    assert [figures(said) for said in together] == [figures(said) for said in alone]
    assert all(said["delivered"] for said in together)
    assert len({said["run_id"] for said in together}) == 3
