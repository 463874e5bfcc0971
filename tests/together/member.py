"""One process of a group that trains cases together: `python -m tests.together.member FOLDER CASE...`, as torchrun would start it."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from nnrun.runner.engine.checkpoint.snapshot import Snapshot
from nnrun.runner.engine.checkpoint.values import unpacked
from nnrun.runner.engine.world.world import entered
from nnrun.runner.launch.place import Place
from tests.together.cases import train

KEPT = ("dropout", "carried state", "restricted", "tempered", "general", "images")
"""Cases that go on from a snapshot on another number of processes."""


def main(folder: Path, cases: list[str]) -> None:
    with entered(Place.here()) as world:
        for case in cases:
            trained = train(case, world, keeps=case in KEPT)
            if world.is_first:
                (folder / f"{case}.pickle").write_bytes(pickle.dumps(trained))
            others = sorted(folder.parent.glob(f"*/{case}.pickle")) if case in KEPT else []
            for other in world.told(others):
                if other.parent != folder:  # what another group kept half-way
                    state, tensors, said = pickle.loads(other.read_bytes()).kept[3]
                    went_on = train(case, world, Snapshot(**unpacked(state, tensors)))
                    if world.is_first:
                        (folder / f"{case}, from {other.parent.name}.pickle").write_bytes(pickle.dumps((went_on, said)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
