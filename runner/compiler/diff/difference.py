"""What differs between two checked specs, by meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nnrun.registry.shape import Axis
from nnrun.runner.compiler.canonical import hash_of
from nnrun.runner.compiler.diff.edges import edge_marks
from nnrun.runner.compiler.diff.match import match
from nnrun.runner.compiler.diff.nodes import node_changes, order_changes, type_changes
from nnrun.runner.compiler.diff.settings import settings
from nnrun.runner.compiler.diff.side import Link, Marked, Side, by_names
from nnrun.runner.compiler.diff.values import Change
from nnrun.runner.compiler.plan import Plan


@dataclass(frozen=True)
class Difference:
    """What differs. Nodes and fields go by their names in the second spec, those that are gone by their names in the first."""

    renamed: Mapping[str, str]
    """What is the same under another name: of nodes and fields, the name in the first spec and that in the second."""
    nodes: tuple[Change, ...]
    """Nodes that are gone or new, and their options that differ; the node's name is first in the path."""
    orders: tuple[Change, ...]
    """Nodes that read the same in another order, where that matters."""
    settings: Mapping[str, tuple[Change, ...]]
    """By section: training, metrics, data, decoding, tracking."""
    types: tuple[Change, ...]
    """Nodes whose values are of another type."""
    size: tuple[Axis, Axis]
    """Numbers that training changes; a text while only the data knows how many."""
    sizes: tuple[Change, ...]
    """The same of nodes and symmetric edges that are in both and differ in it."""
    hashes: tuple[str, str]
    """Of the graphs."""
    edge_marks: tuple[Marked[Link], ...]
    """All edges of both graphs, for a drawing."""
    node_marks: tuple[Marked[str], ...]
    """All nodes of both graphs and the fields that they read, for a drawing."""

    @property
    def names(self) -> dict[str, str]:
        """What the nodes and fields of the first spec are called beside those of the second."""
        taken = {mark.after for mark in self.node_marks}
        gone = {mark.before: f"{mark.before} (before)" if mark.before in taken else mark.before for mark in self.node_marks if mark.before}
        return {name: mark.after or gone[name] for mark in self.node_marks if (name := mark.before)}

    @property
    def edges(self) -> tuple[Marked[Link], ...]:
        """The edges that are not the same."""
        return tuple(edge for edge in self.edge_marks if edge.mark != "same")

    @property
    def same_graph(self) -> bool:
        return not (self.nodes or self.edges or self.orders)

    @property
    def same(self) -> bool:
        """Nothing differs but names, and sizes that are known of one spec only, as its data was looked at."""
        before, after = self.size
        return self.same_graph and not self.settings and not self.types and (before == after or type(before) is not type(after))


def diff(before: Plan, after: Plan) -> Difference:
    """What differs between two checked specs."""
    one, other = Side(before), Side(after)
    known = match(one, other)
    named = {*other.graph.nodes, *after.fields}
    # what is gone keeps its name, unless something else has it now
    names = {name: known.get(name, f"{name} (before)" if name in named else name) for name in (*before.fields, *one.graph.nodes)}
    nodes = tuple(node_changes(one, other, names))
    return Difference(
        renamed={name: meant for name, meant in known.items() if name != meant},
        nodes=nodes,
        orders=tuple(order_changes(one, other, names)),
        settings=settings(one, other, names),
        types=tuple(type_changes(one, other, names)),
        size=(by_names(before.size, names) if isinstance(before.size, str) else before.size, after.size),
        sizes=tuple(_sizes(one, other, names)),
        hashes=(hash_of(one.meaning), hash_of(other.meaning)),
        edge_marks=tuple(edge_marks(one, other, names)),
        node_marks=tuple(_node_marks(one, other, names, nodes)),
    )


def _sizes(one: Side, other: Side, names: Mapping[str, str]) -> Iterator[Change]:
    before = {tuple(sorted(names[end] for end in ends)): size for ends, size in one.sizes}
    for ends, size in other.sizes:
        was = before.get(tuple(sorted(ends)))
        was = by_names(was, names) if isinstance(was, str) else was
        if was is not None and was != size:
            yield Change((" <-> ".join(ends),), was, size)


def _node_marks(one: Side, other: Side, names: Mapping[str, str], changes: tuple[Change, ...]) -> Iterator[Marked[str]]:
    back = {meant: name for name, meant in names.items()}
    changed = {change.path[0] for change in changes}
    for name in [*other.read, *other.graph.nodes]:
        if name not in back:
            yield Marked(None, name, "added")
        else:
            yield Marked(back[name], name, "changed" if name in changed else "same")
    present = {*other.read, *other.graph.nodes}
    for name in [*one.read, *one.graph.nodes]:
        if names[name] not in present:
            yield Marked(name, None, "gone")
