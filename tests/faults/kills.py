"""Kill a training with -9 at random moments, let it go on, and compare what is left with a training that nobody killed.

`python -m tests.faults.kills --count 200`. Weights, optimizer, generators and figures must be the same to the bit, and MLflow must have
each figure and each picture once.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.children import ended, kill, nnrun, ready
from tests.faults.victims import KINDS, Left, has_begun, left, write

LONG = 240.0
"""Seconds after which a run counts as hanging."""


def undisturbed(folder: Path, kind: str) -> tuple[Left, float]:
    """What a training leaves behind that nobody kills, and how long it takes."""
    spec = write(folder, kind)
    began = time.monotonic()
    code = ended(nnrun(folder, spec.name), LONG)
    assert code == 0, f"{kind}: exit code {code}\n{(folder / 'log').read_text()[-2000:]}"
    return left(folder), time.monotonic() - began


def killed(folder: Path, kind: str, moments: list[float]) -> list[str]:
    """Kill it at each of the moments, seconds after it began or went on; what is not as it should be."""
    words = [write(folder, kind).name]
    code: int | None = None
    for moment in (*moments, LONG):
        child = nnrun(folder, *words)
        code = ended(child, moment)
        if code is not None:
            break
        kill(child)
        if has_begun(folder):  # else it was killed before it was anything
            words = ["resume"]
    over = code == 4 and "no run was broken off" in (folder / "log").read_text()  # killed when all was said
    return [] if code == 0 or over else [f"exit code {code}: {(folder / 'log').read_text()[-1500:]}"]


def campaign(count: int, seed: int, kinds: Sequence[str] = tuple(KINDS)) -> int:
    """How many of `count` kills were as if they had not been; what was not is printed."""
    ready()
    chance, held = random.Random(seed), 0
    with tempfile.TemporaryDirectory(prefix="nnrun-faults-") as place:
        wanted = {kind: undisturbed(Path(place, f"{kind}-0"), kind) for kind in kinds}
        for number in range(count):
            kind = kinds[number % len(kinds)]
            whole, seconds = wanted[kind]
            moments = [chance.uniform(0.0, seconds) for _ in range(chance.choice((1, 1, 2, 3)))]
            folder = Path(place, f"{kind}-{number + 1}")
            wrong = killed(folder, kind, moments)
            wrong = wrong or left(folder).differences(whole)
            held += not wrong
            for line in wrong:
                print(f"{kind}, killed after {[round(moment, 3) for moment in moments]}: {line}", flush=True)
    return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    given = parser.parse_args()
    held = campaign(given.count, given.seed, given.kinds)
    print(f"{held} of {given.count} held")
    sys.exit(0 if held == given.count else 1)


if __name__ == "__main__":
    main()
