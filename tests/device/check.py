"""What a machine with a GPU says of nnrun, within some minutes: a table, and JSON.

    python tests/device/check.py [--minutes 6] [--json FILE] [--wheels FOLDER] [--only SECTION] [--device cpu]

Needs a torch of 2.10 or later with CUDA, and no network: packages that are missing are taken from a folder that `tests/device/wheels.sh`
has filled, and the machine's own stay as they are. Each section is a process of its own with a time of its own; what it has not come
to by then is said. Exit codes: 0 all is as it should be, 1 something is not, 2 wrong usage, 4 there is no GPU or a package is missing. On
a machine without a GPU, `--device cpu` goes through all of it in small, which shows that this command works.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGES = HERE / "packages.txt"
"""What the sections need beside torch: a module, and the packages that bring it where it is missing."""

SHARES = {"machine": 0.08, "smoke": 0.15, "agreement": 0.15, "reads": 0.12, "cells": 0.15, "precision": 0.15, "whole": 1.0}
"""Sections in their order, and how much of the time that is left each may take at most."""

LAST = 5.0
"""Seconds that are kept for the end."""

NO_GPU = 4

Section = dict[str, Any]
"""`rows`, `left_out`, `failed`, `seconds`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=6.0, help="all of it ends within so many")
    parser.add_argument("--json", type=Path, help="a file for all that was found")
    parser.add_argument("--wheels", type=Path, help="a folder with wheels of the packages that are missing here")
    parser.add_argument("--only", choices=SHARES, action="append", help="leave out the other sections")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    given = parser.parse_args()
    end = time.monotonic() + 60.0 * given.minutes - LAST
    with packages(given.wheels) as place:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), place, os.environ.get("PYTHONPATH"))))}
        if given.device == "cuda":
            refuse_no_gpu(environment)
        found = {name: section(name, given.device, end, environment) for name in SHARES if name in (given.only or SHARES)}
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1))
    wrong = sum(len(one["failed"]) for one in found.values())
    print(f"\n{wrong} did not hold." if wrong else "\nAll held.")
    sys.exit(bool(wrong))


@contextmanager
def packages(wheels: Path | None) -> Iterator[str]:
    """A folder with the packages that are missing here, taken from the wheels that were carried; all others stay what they are."""
    needed = (line.split() for line in PACKAGES.read_text().splitlines())
    missing = [package for module, *packages in needed if not find_spec(module) for package in packages]
    with tempfile.TemporaryDirectory(prefix="nnrun-packages-") as place:
        if missing and wheels is None:
            print(f"missing: {', '.join(missing)}; fill a folder by `tests/device/wheels.sh`, and name it by `--wheels`", file=sys.stderr)
            sys.exit(NO_GPU)
        if missing:
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", place]
            done = subprocess.run([*command, "--find-links", str(wheels), *missing], check=False, timeout=120)
            if done.returncode:
                sys.exit(NO_GPU)
        yield place


def refuse_no_gpu(environment: dict[str, str]) -> None:
    """End the command where torch sees no GPU. Asked in another process: a context on the GPU would stay."""
    asked = "import torch; print(torch.cuda.device_count())"
    done = subprocess.run([sys.executable, "-c", asked], env=environment, capture_output=True, text=True, timeout=120, check=False)
    if done.stdout.strip() in ("", "0"):
        why = f"\n{done.stderr[-2000:]}" if done.returncode else ""
        print(f"torch sees no GPU on this machine; `--device cpu` goes through all of it in small{why}", file=sys.stderr)
        sys.exit(NO_GPU)


def section(name: str, device: str, end: float, environment: dict[str, str]) -> Section:
    """A section in a process of its own, and what it said until its time was over."""
    began = time.monotonic()
    limit = max(0.0, SHARES[name] * (end - began))
    print(f"\n## {name}, {limit:.0f} s at most", flush=True)
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        process = subprocess.Popen([sys.executable, HERE / "sections.py", name, device], stdout=said, stderr=complained, env=environment)
        late = False
        try:
            code = process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            code, late = process.wait(timeout=30), True  # what a driver holds back longer ends the command
        said.seek(0)
        complained.seek(0)
        lines, complaint = [json.loads(line) for line in said if line.endswith("\n")], complained.read()
    expected = next((line["items"] for line in lines if "items" in line), [])
    rows = [line for line in lines if "item" in line]
    failed = [f"{row['item']}: {row['failed']}" for row in rows if row.get("failed")]
    if code and not late:
        failed.append(f"the section ended with code {code}: {complaint[-2000:]}")
    if not rows and late:
        failed.append("nothing was done in time")
    done = {row["item"] for row in rows}
    left_out = [item for item in expected if item not in done] if late else []
    print(table(rows))
    for text in (*failed, *([f"left out, for time: {', '.join(left_out)}"] if left_out else [])):
        print(text, flush=True)
    return {"rows": rows, "left_out": left_out, "failed": failed, "seconds": round(time.monotonic() - began, 1)}


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as Markdown has tables."""
    columns = list(dict.fromkeys(key for row in rows for key in row if key != "failed"))
    cells = [columns, ["---"] * len(columns), *([shown(row.get(column)) for column in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells if columns)


def shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, dict)):
        return json.dumps(value).replace("|", "/")
    return "" if value is None else str(value)


if __name__ == "__main__":
    main()
