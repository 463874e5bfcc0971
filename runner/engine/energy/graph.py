"""An energy network inside the graph: built from the plan, clamped by what arrives, read by its means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from nnrun.registry.modules.coupling import Coupling
from nnrun.registry.modules.groups import Group
from nnrun.registry.shape import known
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.energy.machine import Machine, States


def build_machines(plan: Plan, network: nn.Module) -> Iterator[Machine]:
    """The energy networks of a plan. Their groups are modules of the network already; a coupling becomes one: `visible--hidden.weight`."""
    for net in plan.nets:
        groups = {}
        for name in net.groups:
            module = network._modules[name]
            assert isinstance(module, Group)
            groups[name] = module
        couplings = {}
        for edge in net.couplings:
            first, second = map(known, edge.size)
            couplings[edge.name] = Coupling(first, second, lateral=edge.lateral, pairs=edge.pairs)
            network._modules[edge.name] = couplings[edge.name]
        yield Machine(net, groups, couplings)


def arriving(machine: Machine, plan: Plan, values: Mapping[str, Tensor]) -> tuple[States, States]:
    """The states that clamp groups, and those that groups start from."""
    clamped: States = {}
    started: States = {}
    for op in plan.ops:
        if op.name in machine.groups:
            group = machine.groups[op.name]
            if op.inputs:
                clamped[op.name] = group.state(values[op.inputs[0].value])
            elif "initial" in op.ports:
                started[op.name] = group.state(values[op.ports["initial"].value])
    return clamped, started


def answer(machine: Machine, plan: Plan, values: Mapping[str, Tensor]) -> States:
    """What readers of the groups get: the state of a clamped group, the mean of any other."""
    clamped, started = arriving(machine, plan, values)
    if not clamped and not started:
        count = len(next(iter(values.values())))
        return machine.mean_field({}, machine.empty(count))
    if not started:
        return machine.mean_field(clamped)
    return machine.mean_field(clamped, started, max(machine.net.groups[name].config.sweeps for name in started))
