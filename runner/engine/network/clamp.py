"""The states that the data clamps: all that comes before an energy network is computed, and handed over."""

from __future__ import annotations

import torch
from torch import Tensor

from nnrun.registry.field import DataError, Field
from nnrun.registry.modules.groups import Bipolar, Group
from nnrun.runner.engine.data.batch import Batch, Part
from nnrun.runner.engine.energy.machine import Machine, States
from nnrun.runner.engine.network.network import Network

CHUNK = 1024
"""Examples that go through the nodes before the network together."""


@torch.no_grad()
def clamped(network: Network, machine: Machine, batch: Batch) -> States:
    """The state of each clamped group for the examples of a batch, (B, N)."""
    return {name: machine.groups[name].state(value) for name, value in _arriving(network, machine, batch).items()}


def clamped_rows(network: Network, machine: Machine, part: Part, rows: Tensor, device: torch.device) -> States:
    """The same for some rows of a part."""
    network.eval()
    held = [clamped(network, machine, part.batch(chunk).to(device)) for chunk in torch.split(rows, CHUNK)]
    return {name: torch.cat([states[name] for states in held]) for name in held[0]}


def learned_rows(network: Network, machine: Machine, part: Part, device: torch.device) -> States:
    """The same for all of a part that is learned from. Raises: DataError for numbers that the units do not hold."""
    network.eval()
    held = [_arriving(network, machine, part.batch(chunk).to(device)) for chunk in torch.split(part.rows, CHUNK)]
    whole = {name: torch.cat([values[name] for values in held]) for name in held[0]}
    for name, values in whole.items():
        source = _sources(network, machine)[name]
        _check(name, machine.groups[name], values, source, network.plan.fields.get(source))
    return {name: machine.groups[name].state(values) for name, values in whole.items()}


@torch.no_grad()
def _arriving(network: Network, machine: Machine, batch: Batch) -> dict[str, Tensor]:
    """What arrives at each clamped group, (B, *axes)."""
    sources = _sources(network, machine)
    values = batch.values
    if not all(source in values for source in sources.values()):
        values = network(batch, tuple(sources.values()))
    return {name: values[source] for name, source in sources.items()}


def _sources(network: Network, machine: Machine) -> dict[str, str]:
    """By clamped group, what clamps it."""
    return {op.name: op.inputs[0].value for op in network.plan.ops if op.name in machine.net.fed}


def _check(name: str, group: Group, values: Tensor, source: str, field: Field | None) -> None:
    """Raises: DataError if the units do not hold what arrives from `source`, a field or a node."""
    if group.bounds is None:
        return
    (least, most), low, high = group.bounds, float(values.min()), float(values.max())
    if least <= low and high <= most:
        return
    bipolar = isinstance(group, Bipolar)
    kind, instead = ("bipolar", "`threshold` of the units") if bipolar else ("binary", "`gaussian_units`")
    what = f"`{name}` has {kind} units, which hold numbers from {least:g} to {most:g}, but what arrives goes from {low:.3g} to {high:.3g}"
    if field is None:
        raise DataError(what, f"a node with `activation: sigmoid` before `{name}`, or {instead}")
    binary = " or `binarize`" if "binarize" in type(field).model_fields else ""
    raise DataError(what, f"`normalize: minmax`{binary} of the field, or {instead}").blaming("data", "fields", source)
