"""What runs tick by tick when a network generates: everything that the scores of a choice depend on, along its target's ticks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nnrun.registry.fields.text import Text
from nnrun.registry.node import Node
from nnrun.registry.shape import Shape
from nnrun.runner.compiler.graph.graph import Graph, GraphNode
from nnrun.runner.compiler.language.decoding import Decode
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.text.words import repair

HELP = {"conv_time": "`causal_conv` in its place sees no later symbol", "reverse": ""}
"""What takes the place of a node that looks ahead."""


@dataclass(frozen=True)
class Decoding:
    """How a network generates: which symbols, from which scores, and what is computed for each."""

    choice: str
    target: str
    """The field whose symbols are chosen."""
    scores: str
    """The value that they are chosen from."""
    nodes: tuple[str, ...]
    """Nodes that run at every symbol, in order; all others run before."""
    settings: Decode
    """How symbols are found."""
    spelled: bool = False
    """The scores lie along another time axis, and are read when all of them are there: no node runs at every symbol."""

    def __str__(self) -> str:
        if self.spelled:
            return f"generating, all of {self.target} at once: {self.choice} from {self.scores}"
        return f"generating, one symbol of {self.target} at a time: {', '.join(self.nodes)}; {self.choice} from {self.scores}"


def find_decoding(spec: Spec, graph: Graph, values: Mapping[str, Shape], report: Report) -> Decoding | None:
    """The decoding of a graph with a choice; findings where a node cannot run symbol by symbol."""
    choices = [node for node in graph.nodes.values() if node.scores is not None and node.name in values]
    for other in choices[1:]:
        headline = f"a second choice, `{other.name}` beside `{choices[0].name}`, is not supported yet"
        report.add("not-supported-yet", headline, at=Place(other.path, "key"))
    names = [node.name for node in graph.nodes.values() if node.config is not None and node.config.decides]
    for name in spec.decode:
        if name not in names and not (not names and report.blames(("nodes",))):
            help = repair(name, names, "choice") if names else "a node of type `choice` or `transcript` can be decoded"
            report.add("unknown-name", f"no choice is named `{name}`", at=Place(("decode", name), "key"), help=help)
    if len(choices) != 1:
        return None
    (choice,) = choices
    assert choice.scores is not None
    assert choice.config is not None
    target, settings = str(getattr(choice.config, "target", "")), spec.decode.get(choice.name, Decode())
    text = spec.data.fields.get(target) if spec.data is not None else None
    if isinstance(text, Text) and text.are_given:
        headline = f"`{choice.name}` writes texts, and the tokens of `{target}` are given as lists"
        help = "`tokens: words` cuts a text and joins it again; tags of given tokens are a `category` with `along`, and need no `choice`"
        report.add("conflicting-keys", headline, at=Place(("data", "fields", target, "tokens")), notes=choice.notes, help=help)
    time = values[choice.name].time
    needed = _needed(choice.scores.source.name, graph)
    if choice.config.spelled:
        _check_spelled(choice, spec, sorted(needed, key=graph.order.index), graph, report)
        return Decoding(choice.name, target, choice.scores.source.value, (), settings, spelled=True)
    nodes = tuple(name for name in graph.order if name in needed and name != choice.name and name in values and values[name].time == time)
    for name in nodes:
        _check_stepped(graph.nodes[name], target, graph, values, report)
    for name in graph.order:
        if name in needed and name in values and name not in nodes and name != choice.name:
            _check_outside(graph.nodes[name], target, values, report)
    return Decoding(choice.name, target, choice.scores.source.value, nodes, settings)


def _needed(name: str, graph: Graph) -> set[str]:
    """The nodes on which a value depends, its own among them."""
    found: set[str] = set()
    todo = [name]
    while todo:
        name = todo.pop()
        if name in graph.nodes and name not in found:
            found.add(name)
            node = graph.nodes[name]
            todo += [edge.source.name for edge in (*node.edges, *([node.initial] if node.initial else []))]
    return found


def _check_stepped(node: GraphNode, target: str, graph: Graph, values: Mapping[str, Shape], report: Report) -> None:
    """A node that runs at each symbol sees earlier symbols only."""
    config = node.config
    if config is None:
        return
    only_ticks = [edge for edge in node.edges if _gives_only_ticks(edge, node)]
    for edge in node.edges:
        if edge in only_ticks or edge.source.value not in values or values[edge.source.value].time != target:
            continue
        whole = edge.target.port is not None and config.ports[edge.target.port].time == "own"
        if whole and not getattr(config, "causal", False):
            headline = f"`{edge.target}` looks at all of `{target}`, which is not known yet when the network generates"
            help = f"`causal: true` in `{node.name}` looks at the symbols so far"
            report.add("target-unknown", headline, at=edge.at, notes=node.notes, help=help)
        elif edge.source.name in graph.fields:
            headline = f"`{node.name}` reads `{edge.source}`, which is not known yet when the network generates"
            choice = next((other.name for other in graph.nodes.values() if other.scores is not None), "…")
            instead = f"read the choice of `{target}` instead, late: `prev({choice}) -> {node.name}`"
            report.add("target-unknown", headline, at=edge.source_at, notes=node.notes, help=instead)
    if config.scope == "time" and not (config.memoryless or _keeps_state(config) or only_ticks):
        headline = f"`{node.name}` takes all of `{target}` at once, but when the network generates, its symbols come one by one"
        help = HELP.get(config.type_name(), "without `bidirectional` it reads forwards only" if config.looks_ahead else "")
        report.add("sequence-in-loop", headline, at=Place(node.path, "key"), notes=node.notes, help=help)


def _check_spelled(node: GraphNode, spec: Spec, needed: Iterable[str], graph: Graph, report: Report) -> None:
    """What frames spell depends on no symbol of it, nothing reads it, and it ends with them."""
    target = str(getattr(node.config, "target", ""))
    for name in needed:
        for edge in graph.nodes[name].edges:
            if edge.source.name == target:
                headline = f"`{name}` reads `{edge.source}`, which `{node.name}` is to find"
                report.add("target-unknown", headline, at=edge.source_at, notes=graph.nodes[name].notes, help="take this edge away")
    for other in graph.nodes.values():
        for edge in (*other.edges, *([other.initial] if other.initial else [])):
            if edge.source.name == node.name:
                headline = f"`{other.name}` reads `{edge.source}`, a transcript, which is there when all else is done"
                help = f"read the scores that `{node.name}` reads; a `choice` decides symbol by symbol, to be read late"
                report.add("bad-edge", headline, at=edge.source_at, notes=other.notes, help=help)
    if spec.data is not None and getattr(spec.data.fields.get(target), "end", None):
        headline = f"`end: true` puts a symbol behind each text, and no frame shows it to `{node.name}`"
        notes = [(Place(node.path, "key"), "is to write it")]
        report.add("conflicting-keys", headline, at=("data", "fields", target, "end"), notes=notes, help="leave out `end`")


def _check_outside(node: GraphNode, target: str, values: Mapping[str, Shape], report: Report) -> None:
    """What runs before the first symbol cannot depend on the symbols."""
    if "two-time-axes" in report.ids:
        return  # what depends on which ticks is not settled
    for edge in node.edges:
        if edge.source.value in values and values[edge.source.value].time == target and not _gives_only_ticks(edge, node):
            headline = f"`{node.name}` takes all of `{target}`, and what `{target}` is chosen from depends on it"
            report.add("target-unknown", headline, at=edge.at, notes=node.notes)


def _gives_only_ticks(edge: Edge, node: GraphNode) -> bool:
    return node.config is not None and edge.target.port is not None and node.config.ports[edge.target.port].ticks_only


def _keeps_state(config: Node) -> bool:
    """Whether a node along time can go on from where it was."""
    return "state" in config.outputs and "initial" in config.ports and not config.looks_ahead
