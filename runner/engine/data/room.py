"""Whether data and training fit into memory: asked before anything is read, before it is encoded, and before a network is built."""

from __future__ import annotations

from dataclasses import replace

import torch

from nnrun.runner.compiler.energy.divided import divisible
from nnrun.runner.compiler.memory.machine import Allowed
from nnrun.runner.compiler.memory.needs import Memory, needed
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.columns import Parts
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.shortage import refuse
from nnrun.runner.launch.place import Place


def refuse_data(plan: Plan, limit: Allowed, parts: Parts | None = None) -> None:
    """Raises: OutOfMemory if not even the data and a batch of one example fit, as far as sizes are known."""
    rows = sum(len(next(iter(columns.values()))) for columns in parts.values()) if parts is not None else None
    refuse(needed(plan, rows, examples=1), limit)


def refuse_training(plan: Plan, limit: Allowed, data: Dataset) -> None:
    """Raises: OutOfMemory if a training on this data does not fit. What is on a GPU takes none of the machine's memory."""
    memory = planned(plan, data)
    if plan.spec.train is not None and plan.spec.train.device != "cpu" and torch.cuda.is_available():
        memory = replace(memory, gradients=0, optimizer=0, kept=0, values=0)
    trains = [stage.spec.train for stage in (*plan.stages, plan)]
    if all(train is not None and train.parallel != "ddp" and divisible(train, plan.nets) is None for train in trains):
        memory = memory.divided(Place.here().size)
    refuse(memory, limit)


def planned(plan: Plan, data: Dataset) -> Memory:
    """What the training of a plan on this data takes."""
    rows = 1 if data.train.on_disk else len(next(iter(data.train.values.values())))
    return needed(plan, rows, len(data.train), data.ticks)
