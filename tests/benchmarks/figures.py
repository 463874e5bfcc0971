"""Whether a change of the code changes a result: every figure of some specs, and their weights, before and after, to the last bit.

    python tests/benchmarks/figures.py SPEC... --code FOLDER --json before.json
    python tests/benchmarks/figures.py SPEC... --json after.json --beside before.json

`--code` is another checkout whose `runner` is to run them. Figures of the clock, and what belongs to the machine, are left out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

CLOCK = ("train/examples_per_second", "system/")
"""How the names of figures begin that differ from run to run."""


def measure(spec: Path, code: Path, folder: Path) -> dict[str, Any]:
    """Each figure's steps and values as MLflow has them, and a hash of the weights."""
    from mlflow import MlflowClient

    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder / 'mlflow.db'}"
    command = [sys.executable, "-m", "runner", str(spec), "--json", "--quiet"]
    done = subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(code)}, stdout=subprocess.PIPE, text=True, check=True)
    run_id = json.loads(done.stdout)["run_id"]
    client = MlflowClient()
    run = client.get_run(run_id)
    figures = {
        name: [(one.step, one.value.hex()) for one in client.get_metric_history(run_id, name)]
        for name in sorted(run.data.metrics)
        if not name.startswith(CLOCK)
    }
    models = client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run_id}'")
    weights = [file for one in models for file in Path(one.artifact_location.removeprefix("file://")).rglob("weights.safetensors")]
    return {"figures": figures, "weights": [hashlib.sha256(file.read_bytes()).hexdigest() for file in weights]}


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of what is not equal to the last bit, or missing on one side."""
    names = sorted({*before["figures"], *after["figures"]})
    found = [name for name in names if before["figures"].get(name) != after["figures"].get(name)]
    return found + (["weights"] if before["weights"] != after["weights"] else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="+", type=Path)
    parser.add_argument("--code", type=Path, default=ROOT)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--beside", type=Path)
    arguments = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory(prefix="nnrun-figures-") as folder:
        for spec in arguments.specs:
            rows[spec.stem] = measure(spec.resolve(), arguments.code.resolve(), Path(folder))
            print(f"{spec.stem}: {sum(map(len, rows[spec.stem]['figures'].values()))} values of {len(rows[spec.stem]['figures'])} figures")
    arguments.json.write_text(json.dumps(rows, indent=1))
    if arguments.beside is None:
        return
    before = json.loads(arguments.beside.read_text())
    now = json.loads(arguments.json.read_text())
    wrong = {name: found for name in now if (found := differences(before[name], now[name]))}
    for name, found in wrong.items():
        print(f"{name}: not equal: {', '.join(found)}")
    print(f"{len(now) - len(wrong)} of {len(now)} specs equal to the last bit")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
