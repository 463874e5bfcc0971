"""Names in edges resolved. A block sees its own nodes, `input` and `output`; the spec's own edges see fields, nodes and, as
`block/node`, the inside of blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from nnrun.registry.node import Node
from nnrun.runner.compiler.language.edges import Edge, Reference
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
    maybe_fed: set[str] = field(default_factory=set)
    """Nodes and borders that may be fed by something wrong, which is already reported."""
    maybe_read: set[str] = field(default_factory=set)
    """Nodes and borders that may be read by something wrong."""
    lost: bool = False
    """Whether a name is unknown: a node without any edge may be the one that was meant."""

    def suspect(self, scope: Scope, words: Iterable[str], *, read: bool = True, fed: bool = True) -> None:
        """Something wrong holds these words: it may read, or feed, the nodes they name."""
        for word in words:
            full, border = scope.prefix + word, f"{scope.prefix[:-1]}:{word}"
            if read:
                self.maybe_read |= {full, f"{full}:output", border}
            if fed:
                self.maybe_fed |= {full, f"{full}:input", border}


def resolve(edge: Edge, scope: Scope, spec: Spec, flat: Flat, report: Report) -> Edge | None:
    """The edge with full names, or None after a finding."""
    source = _end(edge.source, edge.source_at, "source", scope, spec, flat, report)
    target = _end(edge.target, edge.target_at, "target", scope, spec, flat, report)
    if source is None and target is not None:
        flat.maybe_fed.add(target.name)
    if target is None and source is not None:
        flat.maybe_read.add(source.name)
    if source is None or target is None:
        return None
    for end, at in ((source, edge.source_at), (target, edge.target_at)) if edge.kind == "symmetric" else ():
        if end.name not in flat.nodes:
            what = "a block" if ":" in end.name else "a field"
            report.add(
                "bad-edge",
                f"a symmetric edge joins groups of units, and `{end.name.partition(':')[0]}` is {what}",
                at=at,
                help="an edge `->` to a group clamps it",
            )
            return None
    return edge.move(source, target)


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
        _report_unknown(end.name, at, scope, list(fields), flat, report)
    return None


def _report_unknown(name: str, at: Place, scope: Scope, fields: list[str], flat: Flat, report: Report) -> None:
    if not scope.locals and (not scope.blocks or report.blames((*scope.path, "nodes"))):
        return  # the nodes are missing, and that is reported
    used = name.partition("/")[0]
    if not scope.blocks and used != name and used in flat.nodes and flat.nodes[used].config is None:
        return  # the inside of a block that was wrong
    names = [*scope.locals] if scope.blocks else [*flat.nodes, *flat.uses] if "/" in name else [*fields, *scope.locals]
    meant = nearest(name, names)
    flat.lost = True
    if meant is not None:
        flat.suspect(scope, [meant])
    elif not scope.blocks and not fields:
        return  # it may be a field, and those are not known
    if meant in fields:
        help = f"a field `{meant}` exists"
    elif meant is None and scope.blocks:
        help = "a block sees its own nodes, `input` and `output`"
    else:
        help = repair(name, names, "node")
    where = f"the block `{scope.blocks[-1]}` has no node" if scope.blocks else "no node or field is"
    report.add("unknown-name", f"{where} named `{name}`", at=at, help=help, notes=scope.notes)
