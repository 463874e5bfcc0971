"""What an energy network answers that no loss judges: the means of its hidden units, or the pattern that it remembers."""

from __future__ import annotations

from typing import Any

import torch

from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.energy.recall import asynchronous
from nnrun.runner.engine.network.clamp import clamped_rows
from nnrun.runner.engine.network.network import Network


def answering_groups(plan: Plan) -> list[str]:
    """The groups that answer: those that nothing clamps; where all are clamped, all."""
    return [name for net in plan.nets for name in net.groups if not net.groups[name].fed or set(net.fed) == set(net.groups)]


@torch.no_grad()
def recollect(network: Network, part: Part, batch_size: int) -> dict[str, list[Any]]:
    """A list of numbers for each example, by group.

    A hidden group gives its means. A network without hidden groups starts at the example and runs downhill to what it remembers.
    """
    device = next(network.parameters()).device
    answers: dict[str, list[Any]] = {name: [] for name in answering_groups(network.plan)}
    network.eval()
    for rows in torch.split(part.rows, batch_size):
        for net in network.plan.nets:
            machine = network.machines[next(iter(net.groups))]
            if set(net.fed) == set(net.groups):
                states = asynchronous(machine, clamped_rows(network, machine, part, rows, device)).states
            else:
                states = network(part.batch(rows).to(device), tuple(name for name in net.groups if name in answers))
            for name in states:
                answers[name] += states[name].float().cpu().tolist()
    return answers
