"""The states that the data clamps: all that comes before an energy network is computed, and handed over."""

from __future__ import annotations

import torch
from torch import Tensor

from nnrun.registry.field import DataError
from nnrun.registry.modules.groups import Binary
from nnrun.runner.engine.data.batch import Batch, Part
from nnrun.runner.engine.energy.machine import Machine, States
from nnrun.runner.engine.network.network import Network

CHUNK = 1024
"""Examples that go through the nodes before the network together."""


@torch.no_grad()
def clamped(network: Network, machine: Machine, batch: Batch) -> States:
    """The state of each clamped group for the examples of a batch, (B, N)."""
    sources = {op.name: op.inputs[0].value for op in network.plan.ops if op.name in machine.net.fed}
    values = batch.values
    if not all(source in values for source in sources.values()):
        values = network(batch, tuple(sources.values()))
    return {name: machine.groups[name].state(values[source]) for name, source in sources.items()}


def clamped_rows(network: Network, machine: Machine, part: Part, rows: Tensor, device: torch.device) -> States:
    """The same for some rows of a part."""
    network.eval()
    held = [clamped(network, machine, part.batch(chunk).to(device)) for chunk in torch.split(rows, CHUNK)]
    return {name: torch.cat([states[name] for states in held]) for name in held[0]}


def check_values(machine: Machine, given: States) -> None:
    """Refuse data that the units cannot hold. Raises: DataError."""
    for name, state in given.items():
        low, high = float(state.min()), float(state.max())
        if isinstance(machine.groups[name], Binary) and (low < 0 or high > 1):
            what = f"`{name}` has binary units, which hold numbers from 0 to 1, but what arrives goes from {low:.3g} to {high:.3g}"
            raise DataError(what, "`normalize: minmax` or `binarize` of the field, or `gaussian_units`")
