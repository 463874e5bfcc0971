"""Names in edges resolved. A block sees its own nodes, `input` and `output`; the spec's own edges see fields, nodes and, as
`block/node`, the inside of blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from nnrun.registry.group import Group
from nnrun.registry.node import Node
from nnrun.registry.options import NAME
from nnrun.runner.compiler.language.edges import Edge, Reference, mentioned
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.text.diagnostic import Notes, Path, Place, Report
from nnrun.runner.compiler.text.words import nearest, repair

BORDERS = ("input", "output")
"""What a block calls its way in and its way out."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A node of the flat graph. `config` is None where it was wrong, and then already reported."""

    name: str
    config: Node | None
    path: Path
    notes: Notes = ()
    """Where the block that holds it is used."""


@dataclass(frozen=True)
class Scope:
    """Where a text stands: in the spec itself, or in one use of a block."""

    locals: Mapping[str, Any]
    """The nodes here, by name."""
    prefix: str = ""
    path: Path = ()
    notes: Notes = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[str, ...] = ()
    """Names of the blocks around, outermost first."""


@dataclass
class Flat:
    """All nodes and edges, blocks expanded. The borders of a use of a block are called `use:input` and `use:output`."""

    nodes: dict[str, Declared] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    uses: dict[str, Place] = field(default_factory=dict)
    """Nodes of type `block`, and where each stands."""
    blocks: dict[str, str] = field(default_factory=dict)
    """By node of type `block`, the block."""
    maybe_fed: set[str] = field(default_factory=set)
    """Nodes and borders that may be fed by something wrong, which is already reported."""
    maybe_read: set[str] = field(default_factory=set)
    """Nodes and borders that may be read by something wrong."""
    lost: bool = False
    """Whether a name is unknown: a node without any edge may be the one that was meant."""
    unmatched: bool = False
    """Whether an unknown name that is read is like none that there are: any node that nothing reads may be meant."""

    def suspect(self, scope: Scope, words: Iterable[str], *, read: bool = True, fed: bool = True) -> None:
        """Something wrong holds these words: it may read, or feed, the nodes they name."""
        for word in words:
            full, border = scope.prefix + word, f"{scope.prefix[:-1]}:{word}"
            if read:
                self.maybe_read |= {full, f"{full}:output", border}
            if fed:
                self.maybe_fed |= {full, f"{full}:input", border}

    def suspect_all(self, read: Iterable[str] = (), fed: Iterable[str] = ()) -> None:
        """Nodes and borders by their full names, which something wrong may read or feed."""
        self.maybe_read |= {full for name in read for full in (name, f"{name}:output" if name in self.uses else name)}
        self.maybe_fed |= {full for name in fed for full in (name, f"{name}:input" if name in self.uses else name)}


def resolve(edge: Edge, scope: Scope, spec: Spec, flat: Flat, report: Report) -> Edge | None:
    """The edge with full names, or None after a finding."""
    if edge.kind == "symmetric" and _joins_other(edge, scope, spec, flat, report):
        return None
    source = _end(edge.source, edge.source_at, "source", scope, spec, flat, report)
    target = _end(edge.target, edge.target_at, "target", scope, spec, flat, report)
    if source is None and target is not None:
        flat.maybe_fed.add(target.name)
    if target is None and source is not None:
        flat.maybe_read.add(source.name)
    if source is None or target is None:
        return None
    return edge.move(source, target)


def _joins_other(edge: Edge, scope: Scope, spec: Spec, flat: Flat, report: Report) -> bool:
    """Whether a symmetric edge ends at a field or a block, after a finding."""
    fields = spec.data.fields if spec.data and not scope.blocks else {}
    for end, other, at in ((edge.source, edge.target, edge.source_at), (edge.target, edge.source, edge.target_at)):
        full = scope.prefix + end.name
        if full in flat.nodes or (full not in flat.uses and end.name not in fields):
            continue
        what = "a block" if full in flat.uses else "a field"
        groups = [name for name, node in flat.nodes.items() if isinstance(node.config, Group) and name != scope.prefix + other.name]
        help = f"an edge `{end.name} -> GROUP` clamps a group"
        entries = enumerate(map(str, spec.edges or ()))
        joined = any(text.count("<->") > (edge.at.path[:2] == ("edges", at)) and other.name in mentioned(text) for at, text in entries)
        declared = flat.nodes.get(scope.prefix + other.name)
        if what == "a field" and joined and declared is not None and isinstance(declared.config, Group):
            help = f"write `{end.name} -> {other.name}`, which clamps `{other.name}`"
        elif len(groups) == 1 and what == "a field":
            help = f"write `{groups[0]} <-> {other.name}`; an edge `{end.name} -> {groups[0]}` clamps `{groups[0]}`"
        report.add("bad-edge", f"a symmetric edge joins groups of units, and `{end.name}` is {what}", at=at, help=help)
        flat.suspect(scope, [other.name, *groups])
        return True
    return False


def _end(
    end: Reference, at: Place, role: Literal["source", "target"], scope: Scope, spec: Spec, flat: Flat, report: Report
) -> Reference | None:
    """One end of an edge by its full name, or None after a finding."""
    full = scope.prefix + end.name
    inner, outer = BORDERS if role == "source" else BORDERS[::-1]
    if scope.blocks and end.name == inner:
        return replace(end, name=f"{scope.prefix[:-1]}:{inner}")
    if full in flat.nodes and (end.name in scope.locals or not scope.blocks):
        return replace(end, name=full)
    if full in flat.uses and (end.name in scope.locals or not scope.blocks):
        return replace(end, name=f"{full}:{outer}")
    fields = spec.data.fields if spec.data and not scope.blocks else {}
    if end.name in fields and role == "source":
        return end
    if end.name in fields:
        report.add(
            "bad-edge",
            f"`{end.name}` is a field of the data, and an edge ends there",
            at=at,
            help="turn the edge round, or name a node",
        )
    elif scope.blocks and end.name == outer:
        what = "gives a value, and an edge ends there" if outer == "input" else "takes a value, and an edge starts there"
        report.add("bad-edge", f"the `{outer}` of a block {what}", at=at, help="turn the edge round, or name a node")
    else:
        _report_unknown(end.name, at, role, scope, list(fields), flat, report)
    return None


def _undeclared(name: str) -> str | None:
    """The node that an edge names by its type, as if it needed no entry of its own."""
    from nnrun.runner.compiler.language.advice.foreign import node_called

    form = node_called(name)
    return f"each node has a line of its own under `nodes`: write `{name}: {form}` there" if form else None


def _report_unknown(name: str, at: Place, role: str, scope: Scope, fields: list[str], flat: Flat, report: Report) -> None:
    if not scope.locals and (not scope.blocks or report.blames((*scope.path, "nodes"))):
        return  # the nodes are missing, and that is reported
    used = name.partition("/")[0]
    if not scope.blocks and used != name and used in flat.nodes and flat.nodes[used].config is None:
        return  # the inside of a block that was wrong
    names = [*scope.locals] if scope.blocks else [*flat.nodes, *flat.uses] if "/" in name else [*fields, *scope.locals]
    meant = nearest(name, names)
    flat.lost = True
    twice = next((found for found in report if found.id == "duplicate-key" and found.at.path[-3:-2] == ("nodes",)), None)
    if twice is not None and not scope.blocks and nearest(name, [str(twice.at.path[-2])]):  # the second of the two is the one missed
        report.amend(twice, help=f"edges name `{name}`, which no node is: call the second so")
        flat.suspect(scope, [str(twice.at.path[-2])])
        return
    if meant is not None:
        flat.suspect(scope, [meant])
    elif not scope.blocks and not fields:
        return  # it may be a field, and those are not known
    if meant is not None and not re.fullmatch(NAME, meant):
        return  # its name is wrong, and that is reported
    flat.unmatched |= meant is None and role == "source"
    if meant in fields:
        help = f"a field `{meant}` exists"
    elif meant is None and scope.blocks:
        help = "a block sees its own nodes, `input` and `output`"
    else:
        help = _undeclared(name) or repair(name, names, "node") if meant is None else repair(name, names, "node")
    where = f"the block `{scope.blocks[-1]}` has no node" if scope.blocks else "no node or field is"
    report.add("unknown-name", f"{where} named `{name}`", at=at, help=help, notes=scope.notes)
