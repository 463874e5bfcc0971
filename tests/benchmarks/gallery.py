"""Results of the gallery: every spec over some seeds, beside its baseline.

    python tests/benchmarks/gallery.py [SPEC...] [--seeds 3] [--json FILE]

Runs go to a store that is thrown away. Prints the table of specs/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def measure(spec: Path, seeds: int, folder: str) -> dict[str, Any] | None:
    """Figures of one spec: mean and extremes over the seeds, of the metric by which the weights were chosen, if the test has it.

    None of one that chooses no weights, or tests none: a memory, or a machine that is judged on all there is.
    """
    runs = []
    for seed in range(seeds):
        command = [sys.executable, "-m", "nnrun", str(spec), "--json", "--quiet", "--seed", str(seed)]
        done = subprocess.run(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True, check=True
        )
        runs.append(json.loads(done.stdout))
    first = runs[0]
    kept = next((name for name in first["figures"] if name.startswith("valid/best_") and name != "valid/best_step"), None)
    tested = [name.partition("/")[2] for name in first["figures"] if name.startswith("test/") and name != "test/loss"]
    if kept is None or not tested:
        return None
    label = kept.removeprefix("valid/best_") if kept.removeprefix("valid/best_") in tested else tested[0]
    tests, valids = ([run["figures"][name] for run in runs] for name in (f"test/{label}", kept))
    return {
        "spec": spec.stem,
        "metric": label,
        "test": statistics.mean(tests),
        "lowest": min(tests),
        "highest": max(tests),
        "valid": statistics.mean(valids),
        "kept by": kept.removeprefix("valid/best_"),
        "baseline": first["figures"].get(f"test/baseline_{label}"),
        "name": first["baseline"],
        "parameters": first["parameters"],
        "seconds": statistics.median(run["seconds"] for run in runs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    runnable = [spec for spec in sorted((ROOT / "specs").glob("*.yaml")) if "source: image_folder" not in spec.read_text()]
    parser.add_argument("specs", nargs="*", type=Path, default=runnable, help="All that bring their data, where left out.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    print(f"| spec | metric | test, mean of {arguments.seeds} seeds | lowest to highest | best valid | baseline | parameters | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="nnrun-gallery-") as folder:
        for spec in arguments.specs:
            row = measure(spec.resolve(), arguments.seeds, folder)
            if row is None:
                print(f"| `{spec.stem}` | no weights are chosen, or none tested |  |  |  |  |  |  |", flush=True)
                continue
            rows.append(row)
            base = f"{row['baseline']:.3f} ({row['name']})" if row["baseline"] is not None else ""
            print(
                f"| `{row['spec']}` | {row['metric']} | **{row['test']:.3f}** | {row['lowest']:.3f} to {row['highest']:.3f} "
                f"| {row['valid']:.3f}{'' if row['kept by'] == row['metric'] else ' (' + row['kept by'] + ')'} "
                f"| {base} | {row['parameters']:,} | {row['seconds']:.0f} |",
                flush=True,
            )
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
