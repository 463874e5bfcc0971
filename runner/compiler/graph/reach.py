"""Nodes that nothing reads."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from nnrun.runner.compiler.graph.cycles import components
from nnrun.runner.compiler.graph.names import Declared, Flat
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.text.diagnostic import Place, Report


def dead_nodes(flat: Flat, edges: Sequence[Edge], judged: Iterable[str]) -> set[str]:
    """Nodes from which no way leads to what is judged or written, or to something wrong that may read them."""
    sources: dict[str, list[str]] = {}
    for edge in edges:
        sources.setdefault(edge.target.name, []).append(edge.source.name)
        if edge.kind == "symmetric":
            sources.setdefault(edge.source.name, []).append(edge.target.name)
    wrong = {name for name, node in flat.nodes.items() if node.config is None}
    written = {name for name, node in flat.nodes.items() if node.config is not None and node.config.spelled}
    live = {*judged, *flat.maybe_read, *wrong, *written, *(edge.source.name for edge in edges if edge.kind == "symmetric")}
    queue = deque(live)
    while queue:
        for name in sources.get(queue.popleft(), []):
            if name not in live:
                live.add(name)
                queue.append(name)
    return set(flat.nodes) - live


def unread(flat: Flat, edges: Sequence[Edge], dead: set[str], stuck: Iterable[str]) -> list[Declared]:
    """Of each chain or loop of dead nodes, its last node, or its first in the spec."""
    reads: dict[str, list[str]] = {}
    for edge in edges:
        if edge.source.name in dead and edge.target.name in dead:
            reads.setdefault(edge.source.name, []).append(edge.target.name)
    passed = set(stuck)
    found = []
    for group in components([name for name in flat.nodes if name in dead], reads):
        if passed.isdisjoint(name for member in group for name in (member, *reads.get(member, ()))):
            found.append(flat.nodes[next(name for name in flat.nodes if name in group)])
        passed |= set(group)
    return found


def report_unread(nodes: Iterable[Declared], edges: Iterable[Edge], names: Sequence[str], report: Report) -> None:
    """One finding for each node that nothing reads; `names` are all nodes, in the order in which the spec has them."""
    joined = list(dict.fromkeys((edge.source.name, edge.target.name) for edge in edges))
    fed = {target for _, target in joined}
    for node in nodes:
        if node.config is not None and node.config.decides and "target-unknown" in report.ids:
            continue  # what should read the choice reads its target
        if any(f"-> {node.name} ->" in finding.help or f"nothing reads `{node.name}`" in finding.help for finding in report):
            continue  # an edge is to lead through it or to leave it, and that is said
        headline, help = f"nothing reads `{node.name}`", "add an edge that starts there, name it in a loss or metric, or delete it"
        if node.name not in fed:
            place = names.index(node.name)
            before, after = names[max(place - 1, 0)], names[min(place + 1, len(names) - 1)]
            headline, help = f"nothing reads `{node.name}`: it stands in no edge", f"lead one through it, `… -> {node.name} -> …`"
            if (before, after) in joined:
                many = node.config is not None and node.config.inputs == "many"
                before = ", ".join(source for source, target in joined if target == after) if many else before
                help = f"lead one through it: `{before} -> {node.name} -> {after}` in place of `{before} -> {after}`"
        report.add("unread-node", headline, at=Place(node.path, "key"), help=help, notes=node.notes)
