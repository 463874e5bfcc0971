"""One process of a group that trains cases together: `python -m tests.together.member FOLDER CASE...`, as torchrun would start it."""

from __future__ import annotations

import pickle
import sys
from dataclasses import replace
from pathlib import Path

import torch

from nnrun.registry.optimizers.adam import Adam
from nnrun.runner.engine.checkpoint.snapshot import Snapshot
from nnrun.runner.engine.checkpoint.values import unpacked
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.stages import learner_of
from nnrun.runner.engine.world.split import local
from nnrun.runner.engine.world.world import World, entered
from nnrun.runner.launch.place import Place
from tests.engine.support import CPU
from tests.together.cases import CASES, DIVIDED, train

KEPT = (
    "dropout", "carried state", "restricted", "tempered", "general", "images", "averaged weights", f"dropout{DIVIDED}", f"images{DIVIDED}",
    f"averaged weights{DIVIDED}",
)  # fmt: skip
"""Cases that go on from a snapshot on another number of processes."""

HELD = "held"
"""Beside the cases: how many numbers of a divided training each process holds."""


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
        if any(case.endswith(DIVIDED) for case in cases):
            found = world.gathered(held(world))
            if world.is_first:
                (folder / f"{HELD}.pickle").write_bytes(pickle.dumps(found))


def held(world: World) -> dict[str, int]:
    """Numbers that this process holds of a training with Adam, after a step."""
    plan, data = CASES[f"mlp_digits{DIVIDED}"]()
    assert plan.spec.train is not None
    plan = replace(plan, spec=plan.spec.at_stage(plan.spec.train.model_copy(update={"optimizer": Adam(type="adam")})))
    with learner_of(Network(plan), plan, data, CPU, world=world) as learner:
        learner.step(1, next(iter(learner.batches(1))), due=True)
        states = [value for held in learner.descent.optimizer.state.values() for value in held.values()]  # type: ignore[attr-defined]
        weights = [local(weight) for weight in learner.network.parameters()]
        return {
            "weights": sum(weight.numel() for weight in weights),
            "memory": sum(weight.untyped_storage().nbytes() // weight.element_size() for weight in weights),
            "gradients": sum(local(weight.grad).numel() for weight in learner.network.parameters() if weight.grad is not None),
            "optimizer": sum(value.numel() for value in states if isinstance(value, torch.Tensor) and value.dim()),
            "whole": sum(weight.numel() for weight in learner.network.parameters()),
        }


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
