"""Generation symbol by symbol: all that does not depend on a choice runs once, the rest at each tick."""

from __future__ import annotations

import torch
from torch import Tensor

from nnrun.runner.compiler.loops.recurrence import Recurrence
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.loops.outside import Outside, Readings
from nnrun.runner.engine.loops.stepper import Stepper
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.network.ticks import real


def stepper(network: Network, batch: Batch, ticks: int) -> Stepper:
    """What generates, before the first symbol: one row for each example."""
    decoding = network.plan.decoding
    assert decoding is not None
    stepped = {*decoding.nodes, decoding.choice}
    values = known(network, batch)
    device = next(iter(network.parameters())).device
    chosen = [op for op in network.plan.ops if op.name in decoding.nodes]
    one = torch.zeros(1, batch.count, device=device)  # a tick of what is not known yet, where only ticks count
    outside = Outside.of(
        Readings.of(chosen, stepped),
        lambda value: one if value.value == decoding.target else network.read(value, values),
        lambda value: None if value.value == decoding.target else real(value, batch),
        ticks,
        batch.count,
        None,
    )
    past, shapes = network.past, {op.name: op.shape for op in network.plan.ops}
    initial = {
        name: past.before(name, shapes[name], one, values, value.delay, batch.count) for name, value in past.late.items() if name in stepped
    }
    return Stepper(chosen, network.runs, outside, initial)


def known(network: Network, batch: Batch) -> dict[str, Tensor]:
    """All values that depend on nothing that is to be generated."""
    decoding = network.plan.decoding
    assert decoding is not None
    values = {name: value for name, value in batch.values.items() if name != decoding.target}
    stepped = {*decoding.nodes, decoding.choice}
    for step in network.plan.steps:
        ops = step.ops if isinstance(step, Recurrence) else (step,)
        own = {op.name for op in ops}
        if own & stepped or any(value.value not in values and value.value not in own for op in ops for value in op.reads):
            continue  # runs symbol by symbol, or judges only
        network.run(step, values, batch)
    return values
