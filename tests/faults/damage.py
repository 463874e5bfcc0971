"""Damage checkpoints and models: a flipped bit, a cut, a file that is gone. It must be noticed, and the older checkpoint taken.

`python -m tests.faults.damage --count 1000`.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

import torch

from nnrun.runner.engine.checkpoint.kept import Kept
from nnrun.runner.engine.checkpoint.model import load, save
from nnrun.runner.engine.checkpoint.sealed import BrokenCheckpoint
from nnrun.runner.engine.checkpoint.snapshot import Snapshot
from tests.engine.support import build
from tests.engine.test_training import POINTS, points


def damaged(folder: Path, chance: random.Random) -> str:
    """Do something to one file of a folder; what."""
    file = chance.choice(sorted(folder.iterdir()))
    content = file.read_bytes()
    match chance.choice(("bit", "cut", "gone", "swapped")):
        case "bit":
            place, bit = chance.randrange(len(content)), chance.randrange(8)
            file.write_bytes(content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :])
            return f"bit {bit} of byte {place} of {file.name} flipped"
        case "cut":
            length = chance.randrange(len(content))
            file.write_bytes(content[:length])
            return f"{file.name} cut to {length} bytes"
        case "gone":
            file.unlink()
            return f"{file.name} removed"
    start = chance.randrange(len(content) - 1)
    end = chance.randrange(start + 1, len(content))
    file.write_bytes(content[:start] + bytes(len(content) - start - (len(content) - end)) + content[end:])
    return f"bytes {start} to {end} of {file.name} are zeros" if file.read_bytes() != content else ""


def is_noticed(folder: Path, kind: str) -> bool:
    """Whether the damage of a folder is noticed: of a checkpoint, also that the older is taken, and said."""
    if kind == "model":
        try:
            load(folder)
        except BrokenCheckpoint:
            return True
        return False
    found = Kept(folder.parent).newest()
    return found.snapshot is not None and found.snapshot.course["step"] == 1 and len(found.skipped) == 1


def campaign(count: int, seed: int) -> int:
    """How many of `count` damages were noticed; those that were not are printed."""
    chance, held = random.Random(seed), 0
    built = build(POINTS, points())
    with tempfile.TemporaryDirectory(prefix="nnrun-faults-") as place:
        save(Path(place, "model"), built.network, built.data.facts)
        for step in (1, 2):
            weights = {"w": torch.full((300,), float(step))}
            Kept(Path(place, "checkpoints")).write(Snapshot({"step": step}, weights, {"a": [1.5] * 40}, {}), {"torch": torch.__version__})
        for number in range(count):
            kind = ("model", "checkpoints")[number % 2]
            copy = shutil.copytree(Path(place, kind), Path(place, f"{kind}-{number}"))
            folder = copy if kind == "model" else copy / "00000002"
            what = damaged(folder, chance)
            noticed = not what or is_noticed(folder, kind)
            held += noticed
            if not noticed:
                print(f"{kind}: {what}, and nobody noticed", flush=True)
            shutil.rmtree(copy)
    return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    held = campaign(given.count, given.seed)
    print(f"{held} of {given.count} held")
    sys.exit(0 if held == given.count else 1)


if __name__ == "__main__":
    main()
