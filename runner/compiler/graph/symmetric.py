"""Symmetric edges: what they may join, and how they order the graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from nnrun.registry.group import Group
from nnrun.registry.node import Node
from nnrun.runner.compiler.graph.cycles import EnergyNet, energy_nets
from nnrun.runner.compiler.graph.names import Flat
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.text.diagnostic import Place, Report

KINDS = "`binary_units`, `bipolar_units`, `gaussian_units` and `categorical_units`"


def find_nets(flat: Flat, report: Report) -> tuple[EnergyNet, ...]:
    """The energy networks of a graph; a group that no symmetric edge touches is one of its own."""
    edges = [edge for edge in flat.edges if edge.kind == "symmetric"]
    right = [edge for edge in edges if _joins_groups(edge, flat, report)]
    seen: dict[frozenset[str], Edge] = {}
    for edge in right:
        first = seen.setdefault(frozenset((edge.source.name, edge.target.name)), edge)
        if first is not edge:
            headline = f"`{edge.source}` and `{edge.target}` are joined by two symmetric edges"
            report.add("bad-edge", headline, at=edge.at, notes=[(first.at, "the first")], help="one weight is read in both directions")
    for edge in {*edges} - {*right}:
        flat.maybe_fed |= {edge.source.name, edge.target.name}
        flat.maybe_read |= {edge.source.name, edge.target.name}
    nets = energy_nets(flat.nodes, list(seen.values()))
    joined = {name for net in nets for name in net.groups}
    alone = [name for name, node in flat.nodes.items() if isinstance(node.config, Group) and name not in joined]
    return (*nets, *(EnergyNet((name,), ()) for name in alone))


def shared_readings(nets: Iterable[EnergyNet], forward: Sequence[Edge]) -> list[Edge]:
    """What a group of a network reads, all of its groups wait for: an edge for each, which only says so."""
    waiting = []
    for net in nets:
        arriving = [edge for edge in forward if edge.target.name in net.groups]
        waiting += [edge.move(target=replace(edge.target, name=name, port=None)) for edge in arriving for name in net.groups]
    return waiting


def _as_group(name: str, config: Node, edge: Edge, flat: Flat) -> str:
    """How a node of another type would be written as a group; the edge as an arrow, where its ends are no groups and cannot be."""
    ends = [(end.name, flat.nodes[end.name].config) for end in (edge.source, edge.target)]
    for end, held in ends:
        if held is not None and not isinstance(held, Group) and not isinstance(getattr(held, "units", ""), int):
            return f"write `{edge.source} -> {edge.target}`: `{end}` is a `{held.type_name()}`, no group of units"
    if not any(isinstance(node.config, Group) for node in flat.nodes.values()):
        return f"write `{edge.source} -> {edge.target}`; groups, which `<->` joins, are {KINDS}"
    units = getattr(config, "units", None)
    size = f", units: {units}" if units is not None else ""
    return f"groups are {KINDS}: write `{name}: {{type: binary_units{size}}}`, or turn to an edge `->`"


def _joins_groups(edge: Edge, flat: Flat, report: Report) -> bool:
    """Whether a symmetric edge joins what it may."""
    ends = [(edge.source, edge.source_at), (edge.target, edge.target_at)]
    configs = [flat.nodes[end.name].config for end, _ in ends]
    for (end, at), config in zip(ends, configs, strict=True):
        if config is None:
            return False
        if end.port is not None:
            report.add("bad-edge", f"a symmetric edge joins groups, and `{end}` is a port", at=at, help=f"write `{end.name}`")
            return False
        if not isinstance(config, Group):
            headline = f"a symmetric edge joins groups of units, and `{end}` is a node of type `{config.type_name()}`"
            made = Place(flat.nodes[end.name].path, "key")
            report.add(
                "bad-edge", headline, at=at, notes=[(made, f"a `{config.type_name()}`")], help=_as_group(end.name, config, edge, flat)
            )
            return False
    one, other = (config for config in configs if isinstance(config, Group))
    if edge.source.name == edge.target.name and not one.lateral:
        headline = f"units of the type `{one.type_name()}` cannot be coupled with each other"
        real = one.type_name() == "gaussian_units"
        help = "the energy would have no lowest value" if real else "a unit excludes its other symbols already"
        report.add("bad-edge", headline, at=edge.at, help=help)
        return False
    if one.type_name() == other.type_name() == "gaussian_units":
        headline = f"`{edge.source}` and `{edge.target}` are both `gaussian_units`, and the energy would have no lowest value"
        report.add("bad-edge", headline, at=edge.at, help="make one of them `binary_units`, `bipolar_units` or `categorical_units`")
        return False
    return True
