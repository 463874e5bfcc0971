"""What the other processes of a run do: they train with the first, which has the record, and say nothing."""

from __future__ import annotations

from nnrun.registry.fault import Fault
from nnrun.runner.display import Display
from nnrun.runner.engine.data.digest import digest
from nnrun.runner.engine.prepare import prepared
from nnrun.runner.engine.training.learner import Unwatched
from nnrun.runner.engine.training.stages import train_stages
from nnrun.runner.engine.world.world import World, entered
from nnrun.runner.job import Job
from nnrun.runner.launch.place import Place
from nnrun.runner.reading import read
from nnrun.runner.signals import stoppable
from nnrun.runner.tracking.store import Store

KNOWN = "known"
"""Said in the place of the data's digest by a first process that need not train."""


class DataDiffers(Fault):
    """Processes of one training have read different data."""

    kind = "data"
    id = "data-differs"


def follow(place: Place, display: Display) -> None:
    """Take part in the training of the first process. Raises: what `run` raises; ProcessLost."""
    with stoppable(), entered(place) as world:
        job = Job.from_json(world.told(""))
        checked, data, proof = read(job, display)
        if not agree(world, digest(data)):
            return
        plan = checked.plan
        assert plan is not None
        network, device = prepared(plan, Store.from_environment(), data.ticks, vectors=data.vectors)
        train_stages(network, plan, data, device, Unwatched(), display, start=world.told(None), world=world)
        proof.settle(display.say)


def dismiss(world: World, job: Job) -> None:
    """Let the others go, where there is nothing to train."""
    world.told(job.to_json())
    world.gathered(KNOWN)


def agree(world: World, data: str) -> bool:
    """Whether there is something to train, on what all have read alike. Raises: DataDiffers."""
    first, *others = world.gathered(data)
    if first == KNOWN:
        return False
    for number, other in enumerate(others, 2):
        if other != first:
            help = "all machines need the same files at the same paths"
            raise DataDiffers(f"process {number} of {world.size} has read other data than the first", help)
    return True
