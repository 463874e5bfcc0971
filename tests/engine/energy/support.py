"""Small energy networks with random weights, in double precision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from nnrun.registry.modules.chance import Dice
from nnrun.runner.compiler.check import check
from nnrun.runner.engine.energy.gibbs import dice
from nnrun.runner.engine.energy.machine import Machine
from nnrun.runner.engine.network.network import Network

torch.set_num_threads(1)

VISIBLE = {"v": "{type: binary_units}"}
HIDDEN = {"h": "{type: binary_units, units: 3}"}


def spec(nodes: Mapping[str, str], edges: Iterable[str], train: str = "{learner: contrastive_divergence}", size: int = 4) -> str:
    """A spec of groups; the field `x` of `size` numbers clamps `v`."""
    lines = ["nnrun: 1", "name: test", f"data: {{source: csv, file: x.csv, fields: {{x: {{type: vector, size: {size}}}}}}}", "nodes:"]
    lines += [f"  {name}: {node}" for name, node in nodes.items()]
    lines += ["edges:", *(f"  - {edge}" for edge in edges), f"train: {train}"]
    return "\n".join(lines)


def network(text: str) -> Network:
    checked = check(text)
    assert checked.plan is not None, [finding.headline for finding in checked.report]
    return Network(checked.plan)


def machine(nodes: Mapping[str, str], edges: Iterable[str], *, seed: int = 0, strength: float = 1.0, size: int = 4, **more: Any) -> Machine:
    """The energy network of a spec, with random weights and biases."""
    torch.manual_seed(seed)
    built = network(spec(nodes, ["x -> v", *edges], size=size, **more)).double()
    made = next(iter(built.machines.values()))
    for group in made.groups.values():
        if group.bias is not None:
            group.bias.data.normal_(std=strength)
    for coupling in made.couplings.values():
        coupling.weight.data = coupling.allowed(torch.randn_like(coupling.weight) * strength)
    return made


def rolled(seed: int = 0) -> Any:
    """Random numbers that are the same in every test."""
    return dice(torch.Generator().manual_seed(seed))


def fresh(seed: int = 0) -> Dice:
    """Dice of a training at its first step."""
    dice = Dice(seed, torch.device("cpu"))
    dice.begin(1)
    return dice


RBM = ["v <-> h"]
GENERAL = ["v <-> h", "h <-> h"]
SEMI = ["v <-> h", "v <-> v"]
"""Edges of small machines: restricted, with hidden units coupled, with visible units coupled."""


def every_kind(seed: int = 0) -> list[tuple[str, Machine]]:
    """Machines of all forms, by name."""
    groups = {**VISIBLE, **HIDDEN}
    deep = {**groups, "g": "{type: binary_units, units: 2}"}
    return [
        ("restricted", machine(groups, RBM, seed=seed)),
        ("general", machine(groups, [*GENERAL, "v <-> v"], seed=seed)),
        ("deep", machine(deep, ["v <-> h", "h <-> g"], seed=seed)),
        ("bipolar", machine({"v": "{type: bipolar_units}", **HIDDEN}, [*RBM, "v <-> v"], seed=seed)),
        ("categorical", machine({**VISIBLE, "h": "{type: categorical_units, units: 2, classes: 3}"}, SEMI, seed=seed)),
        ("sparse", machine(groups, ["v <-> h", '{edge: "v <-> v", mask: grid}'], seed=seed)),
        ("without biases", machine({"v": "{type: binary_units, bias: false}", **HIDDEN}, GENERAL, seed=seed)),
    ]
