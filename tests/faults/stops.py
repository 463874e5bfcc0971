"""Stop a training by SIGTERM or SIGINT at random moments of any phase, let it go on, and compare what is left with one that ran through.

`python -m tests.faults.stops --count 100`. It must end within ten seconds, saved and KILLED in MLflow, with the exit code of the signal; no
step of the training may be done twice.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.children import ended, nnrun, ready
from tests.faults.kills import LONG, undisturbed
from tests.faults.victims import KINDS, has_begun, left, write

WITHIN = 10.0
"""Seconds after a signal within which the process has to end."""


def stopped(folder: Path, kind: str, moments: list[tuple[float, signal.Signals]]) -> tuple[list[str], float]:
    """Stop it at each of the moments; what is not as it should be, and the longest it took to end."""
    words, wrong, longest = [write(folder, kind).name], [], 0.0
    code: int | None = None
    for moment, number in (*moments, (LONG, signal.SIGKILL)):
        child = nnrun(folder, *words)
        code = ended(child, moment)
        if code is not None:
            break
        began = time.monotonic()
        os.kill(child, number)
        code = ended(child, LONG)
        longest = max(longest, time.monotonic() - began)
        if code not in (0, 128 + number):  # 0: it was over before the signal came
            wrong.append(f"ended with {code} after {number.name}")
        if code == 0:
            break
        if has_begun(folder):  # else it was not even begun
            words = ["resume"]
    log = (folder / "log").read_text()
    over = code == 4 and "no run was broken off" in log  # stopped when all was said
    if code != 0 and not over:
        wrong.append(f"exit code {code}: {log[-1500:]}")
    return wrong + _twice(log), longest


def _twice(log: str) -> list[str]:
    """Steps that were done twice: an evaluation that is told of stands behind where the training went on from."""
    wrong, reached = [], 0
    for line in log.splitlines():
        if found := re.match(r"goes on from step (\d+)( of stage \d+)?$", line):
            if found[2] is None and int(found[1]) < reached:
                wrong.append(f"went on from step {found[1]}, though step {reached} was done")
            reached = 0
        elif found := re.match(r"  epoch +\d+  step +(\d+) ", line):
            reached = int(found[1])
    return wrong


def campaign(count: int, seed: int, kinds: Sequence[str] = tuple(KINDS)) -> tuple[int, float]:
    """How many of `count` stops were as they should be, what was not is printed; and the longest that one took to end."""
    ready()
    chance, held, longest = random.Random(seed), 0, 0.0
    with tempfile.TemporaryDirectory(prefix="nnrun-faults-") as place:
        wanted = {kind: undisturbed(Path(place, f"{kind}-0"), kind) for kind in kinds}
        for number in range(count):
            kind = kinds[number % len(kinds)]
            whole, seconds = wanted[kind]
            moments = [
                (chance.uniform(0.0, seconds), chance.choice((signal.SIGTERM, signal.SIGINT))) for _ in range(chance.choice((1, 1, 2)))
            ]
            folder = Path(place, f"{kind}-{number + 1}")
            wrong, took = stopped(folder, kind, moments)
            longest = max(longest, took)
            if took > WITHIN:
                wrong.append(f"took {took:.1f} s to end")
            wrong = wrong or left(folder).differences(whole)
            held += not wrong
            for line in wrong:
                print(f"{kind}, stopped after {[(round(moment, 3), sign.name) for moment, sign in moments]}: {line}", flush=True)
    return held, longest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    given = parser.parse_args()
    held, longest = campaign(given.count, given.seed, given.kinds)
    print(f"the longest took {longest:.1f} s to end")
    print(f"{held} of {given.count} held")
    sys.exit(0 if held == given.count else 1)


if __name__ == "__main__":
    main()
