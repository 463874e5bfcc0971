"""On the way forward: the first value that is no number."""

from __future__ import annotations

import torch
from torch import Tensor

from nnrun.registry.modules.padding import real_ticks
from nnrun.runner.compiler.types.ops import Op
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.network.network import Network


def first_not_finite(network: Network, batch: Batch) -> Op | None:
    """The first node that gives NaN or infinite values at real ticks; within a loop the first at the earliest tick."""
    with torch.no_grad():
        for values in network.each(batch):
            bad = [(tick, op) for op, value in values if (tick := _first_bad_tick(op, value, batch)) is not None]
            if bad:
                return min(bad, key=lambda found: found[0])[1]  # of several at one tick the first that is computed
    return None


def _first_bad_tick(op: Op, value: Tensor, batch: Batch) -> int | None:
    """The first tick with a value that is no number, 0 where there is no time; None if all are numbers."""
    if not value.is_floating_point():
        return None
    bad = ~torch.isfinite(value)
    if op.shape.time is None:
        return 0 if bool(bad.any()) else None
    real = real_ticks(batch.lengths[op.shape.time], len(value))
    found = torch.nonzero((bad.flatten(2).any(2) if bad.dim() > 2 else bad) & real)
    return int(found[:, 0].min()) if len(found) else None


def first_weights(network: Network) -> Op | None:
    """The first node with a weight that is no number; a symmetric edge is told by the first of its groups."""
    bad = {owner(name) for name, weight in network.named_parameters() if not bool(torch.isfinite(weight).all())}
    return next((op for op in network.plan.ops if op.name in bad), None)


def owner(weight: str) -> str:
    """The node that a weight of a network belongs to, by its name: `hidden.weight.0`, `visible--hidden.weight`."""
    return weight.partition(".")[0].partition("--")[0]
