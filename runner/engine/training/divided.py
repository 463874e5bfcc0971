"""Whether the weights of a training are divided among its processes, and what of a network is a unit then."""

from __future__ import annotations

import torch

from nnrun.runner.compiler.energy.divided import divisible
from nnrun.runner.compiler.memory.machine import allowed
from nnrun.runner.compiler.memory.needs import in_gib, needed
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.world.world import World


def divides(plan: Plan, world: World, device: torch.device) -> bool:
    """Whether each process holds a share of weights, gradients and what the optimizer remembers: where the spec says it, or they would
    not fit into the memory of the smallest device."""
    train = plan.spec.train
    assert train is not None
    if world.is_alone or train.parallel != "auto":
        return not world.is_alone and train.parallel == "fsdp"
    if divisible(train, plan.nets) is not None:
        return False
    room = torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else allowed().size
    (lacks,) = world.any(needed(plan).lasting > room)
    return lacks


def why(plan: Plan, world: World) -> str | None:
    """What is said where nobody asked for it."""
    train, size = plan.spec.train, in_gib(needed(plan).lasting)
    if train is None or train.parallel != "auto":
        return None
    return (
        f"weights, their gradients and the optimizer take about {size}, so each of {world.size} processes holds a share (`parallel: fsdp`)"
    )


def units(plan: Plan) -> list[str]:
    """The nodes whose weights nobody reads but their own module, called once in a step."""
    inside = {name for loop in plan.loops for name in loop.names}
    shared = {op.share for op in plan.ops if op.share is not None}
    learned = {start.value for start in plan.starts.values() if start.source is None}
    return [op.name for op in plan.ops if op.parameters and op.share is None and op.name not in inside | shared | learned]
