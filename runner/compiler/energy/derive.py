"""The energy networks of a typed graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nnrun.registry.field import Facts
from nnrun.registry.group import Group
from nnrun.registry.shape import Axis, ShapeError
from nnrun.runner.compiler.energy.mask import Pairs, coupled_pairs
from nnrun.runner.compiler.energy.net import Coupling, Net, Units
from nnrun.runner.compiler.graph.cycles import EnergyNet
from nnrun.runner.compiler.graph.graph import Graph, GraphNode
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.types.shapes import Typed


def derive_nets(graph: Graph, typed: Typed, facts: Mapping[str, Facts], report: Report) -> tuple[Net, ...]:
    """The energy networks with all sizes settled, as far as they can be known. Those that are wrong are left out."""
    for loop in graph.loops:
        for name in loop.nodes:
            if isinstance(graph.nodes[name].config, Group):
                headline = f"the group `{name}` inside a loop is not supported yet"
                report.add("not-supported-yet", headline, at=Place(graph.nodes[name].path, "key"))
    nets = (_derive(net, graph, typed, facts, report) for net in graph.energy_nets)
    return tuple(net for net in nets if net is not None)


def _derive(net: EnergyNet, graph: Graph, typed: Typed, facts: Mapping[str, Facts], report: Report) -> Net | None:
    groups = {}
    for name in net.groups:
        known = typed.nodes.get(name)
        if known is None:
            return None  # that is reported
        if known.shape.time is not None:
            at = graph.nodes[name].edges[0].at
            report.add("not-supported-yet", f"a group along time, as `{name}` along `{known.shape.time}`, is not supported yet", at=at)
            return None
        groups[name] = _units(graph.nodes[name], typed)
    couplings = []
    for edge in net.edges:
        ends = groups[edge.source.name], groups[edge.target.name]
        try:
            couplings.append(_coupling(edge, *ends, facts))
        except ShapeError as error:
            at = Place((*edge.at.path[:-1], error.field)) if error.field else edge.at
            report.add(error.id, error.message, at=at, help=error.help)
    return Net(groups, tuple(couplings))


def _units(node: GraphNode, typed: Typed) -> Units:
    known = typed.nodes[node.name]
    assert isinstance(known.config, Group)
    given = [*known.inputs, *known.ports.values()]
    axes: tuple[Axis, ...] = given[0].axes if given and given[0].kind == "number" else (known.shape.size,)
    return Units(node.name, known.config, known.shape.size, bool(known.inputs), bool(known.ports), axes)


def _coupling(edge: Edge, first: Units, second: Units, facts: Mapping[str, Facts]) -> Coupling:
    """Raises: ShapeError if a mask does not go with the groups."""
    coupling = Coupling(first.name, second.name, (first.size, second.size), None)
    if edge.mask is None:
        return coupling
    if edge.mask.file is not None:
        return replace(coupling, pairs=_given_pairs(coupling, facts), file=edge.mask.file)
    if not all(isinstance(size, int) for size in coupling.size):
        return coupling
    return replace(coupling, pairs=coupled_pairs(edge.mask, (first.name, first.axes), (second.name, second.axes), coupling.lateral))


def _given_pairs(coupling: Coupling, facts: Mapping[str, Facts]) -> Pairs | None:
    """The pairs of a mask that stands in a file, once that is read."""
    known = facts.get(coupling.name)
    return None if known is None else tuple((int(one), int(other)) for one, other in known["pairs"])
