"""Blocks expanded: one flat list of nodes and one of edges. Names get prefixes, spans stay where the text is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nnrun.registry.catalog import find
from nnrun.registry.node import Node
from nnrun.registry.options import NAME
from nnrun.runner.compiler.graph.borders import join
from nnrun.runner.compiler.graph.names import BORDERS, Declared, Flat, Scope, resolve
from nnrun.runner.compiler.language.edges import MOST_EDGES, Edge, Reference, masked, mentioned, parse_edges
from nnrun.runner.compiler.language.load import load_component, load_edge
from nnrun.runner.compiler.language.spec import Block, Spec
from nnrun.runner.compiler.text.diagnostic import Path, Place, Report, Stop
from nnrun.runner.compiler.text.words import listed, nearest, repair, shown, written

MOST_NODES = 10_000
"""Nodes and uses of blocks, after expansion."""

DEEPEST = 50
"""Blocks inside blocks."""

KEYS = ("type", "block", "with")
"""Of a node of type `block`."""


def expand(spec: Spec, report: Report) -> Flat:
    """The flat graph of a spec. Raises: Stop if it is too large."""
    expansion = _Expansion(spec, report)
    expansion.scope(spec.nodes, spec.edges, Scope(spec.nodes))
    for name in spec.nodes:
        if spec.data and name in spec.data.fields:
            report.add(
                "name-taken",
                f"`{name}` names a node and a field of the data",
                at=Place(("nodes", name), "key"),
                notes=[(Place(("data", "fields", name), "key"), "the field")],
                help="give the node another name",
            )
            expansion.flat.suspect(Scope(spec.nodes), [name])
    for name in spec.blocks if report.ok else ():
        if name not in expansion.used:
            report.add("unused-block", f"no node uses the block `{name}`", at=Place(("blocks", name), "key"), severity="warning")
    flat = expansion.flat
    for scope, words, fed in expansion.suspects:
        flat.suspect(scope, words, fed=fed)
    resolved = [resolve(edge, scope, spec, flat, report) for edge, scope in expansion.pending]
    flat.edges = join([edge for edge in resolved if edge is not None], flat, report)
    return flat


@dataclass
class _Absent:
    """Stands for a parameter without a value, which is already reported."""


@dataclass
class _Expansion:
    spec: Spec
    report: Report
    flat: Flat = field(default_factory=Flat)
    pending: list[tuple[Edge, Scope]] = field(default_factory=list)
    """Edges whose names are yet to be resolved, in the scope where they stand."""
    suspects: list[tuple[Scope, set[str], bool]] = field(default_factory=list)
    """Words of something wrong, and whether it may feed the nodes they name, too."""
    used: set[str] = field(default_factory=set)
    """Blocks that a node uses."""

    def scope(self, nodes: Mapping[str, Any], edges: Iterable[Any], scope: Scope) -> None:
        """Take in the nodes and edges of the spec or of a block."""
        for name, raw in nodes.items():
            path = (*scope.path, "nodes", name)
            if not re.fullmatch(NAME, name):
                self.suspects.append((scope, {name}, True))  # no edge can name it
            if scope.blocks and name in BORDERS:
                self.report.add("name-taken", f"`{name}` is the border of a block, and a node is called so", at=Place(path, "key"))
            value, absent = self.substituted(raw, path, scope)
            if isinstance(value, dict) and (block := value.get("type")) != "block" and isinstance(block, str) and block in self.spec.blocks:
                value = self.named(value, block, path)
            if isinstance(value, dict) and value.get("type") == "block":
                self.use(scope.prefix + name, value, path, scope, absent)
            else:
                self.node(name, value, path, scope, absent)
            if len(self.flat.nodes) + len(self.flat.uses) > MOST_NODES:
                self.report.add("too-large", f"a spec has at most {MOST_NODES} nodes, blocks expanded", at=Place(path, "key"))
                raise Stop
        if nodes and not edges and not any(scope is known for _, known in self.pending):
            self.without_edges(scope)
        for index, entry in enumerate(edges):
            self.edges(entry, (*scope.path, "edges", index), scope)

    def node(self, name: str, value: Any, path: Path, scope: Scope, absent: bool) -> None:
        config = None if absent else load_component("node", value, path, self.report, scope.notes)
        assert config is None or isinstance(config, Node)
        self.declare(scope.prefix + name, config, path, scope)
        if config is None:
            self.suspects.append((scope, self.read_by(value, scope), False))
            return
        for reading in config.readings():
            place = Place((*path, reading.option), start=reading.start, end=reading.end)
            source = Reference(reading.name, reading.port, reading.delay)
            # what a choice is to be is a field of the data, wherever the choice stands
            where, target = (Scope(self.spec.nodes), scope.prefix + name) if config.decides else (scope, name)
            self.pending.append((Edge(source, Reference(target), "forward", place, place, place), where))

    def edges(self, entry: Any, path: Path, scope: Scope) -> None:
        loaded = load_edge(entry, path, self.report)
        parsed = None
        if loaded is not None:
            parsed = parse_edges(loaded.edge, path if isinstance(entry, str) else (*path, "edge"), self.report, loaded.initial)
            parsed = masked(parsed, loaded, path, self.report)
        if parsed is None:
            words = mentioned(entry)
            self.suspects.append((scope, {*scope.locals, *BORDERS} if words.isdisjoint(scope.locals) else words, True))
            return
        self.pending += [(edge, scope) for edge in parsed]
        if len(self.pending) > MOST_EDGES:
            self.report.add("too-large", f"a spec has at most {MOST_EDGES} edges, blocks expanded", at=path)
            raise Stop

    def without_edges(self, scope: Scope) -> None:
        """No edge and no formula: one cause for all that is not connected."""
        path = (*scope.path, "edges")
        if not self.report.blames(path):
            where = f" in `{scope.path[-1]}`" if scope.path else ""
            help = "it lists the arrows, such as `a -> b`"
            self.report.add("missing-key", f"the key `edges` is missing{where}", at=Place(scope.path, "key"), help=help)
        self.suspects.append((scope, {*scope.locals, *BORDERS}, True))

    def read_by(self, value: Any, scope: Scope) -> set[str]:
        """What a node that is wrong may read by its options."""
        words = mentioned(value)
        cls = find("node", str(value.get("type"))) if isinstance(value, dict) else None
        formula = cls is not None and getattr(cls, "readings", None) is not Node.readings
        return {*scope.locals, *BORDERS} if formula and words.isdisjoint(scope.locals) else words

    def declare(self, name: str, config: Node | None, path: Path, scope: Scope) -> None:
        self.flat.nodes[name] = Declared(name, config, path, scope.notes)

    def named(self, value: dict[str, Any], block: str, path: Path) -> dict[str, Any]:
        """A node whose type is the name of a block, as a use of it; a component of that name goes before."""
        if find("node", block) is not None:
            return value
        help = f"`{block}` is a block: write `{{type: block, block: {block}}}`"
        self.report.add("unknown-type", f"no node is of type `{block}`", at=(*path, "type"), help=help)
        return {**value, "type": "block", "block": block}

    def use(self, name: str, value: dict[str, Any], path: Path, scope: Scope, absent: bool) -> None:
        """Expand a node of type `block`."""
        block = self.spec.blocks.get(str(value.get("block")))
        for key in [key for key in value if key not in KEYS]:
            headline, help = f"`{key}` is not a key of the node type `block`", f"the keys are {listed(KEYS)}"
            if block is not None and key in block.parameters:
                help = f"a parameter of the block stands in `with`: `with: {{{key}: {written(value[key])}}}`"
                given = value.get("with") or {}
                value["with"] = {**given, key: value[key]} if isinstance(given, dict) else given
            else:
                value.setdefault(nearest(key, KEYS) or key, value[key])
            self.report.add("unknown-key", headline, at=Place((*path, key), "key"), help=help)
        wanted = self.block(value, path, scope)
        if wanted is None or absent:
            self.declare(name, None, path, scope)
            return
        block = self.spec.blocks[wanted]
        self.flat.uses[name] = Place(path, "key")
        self.flat.blocks[name] = wanted
        note = (Place(path, "key"), f"the block `{wanted}` is used here")
        parameters = self.parameters(name, wanted, block, value.get("with"), path)
        blocks = (*scope.blocks, wanted)
        inner = Scope(block.nodes, f"{name}/", ("blocks", wanted), (*scope.notes, note), parameters, blocks)
        self.scope(block.nodes, block.edges, inner)

    def block(self, value: dict[str, Any], path: Path, scope: Scope) -> str | None:
        """The block that a node uses, or None after a finding."""
        wanted = value.get("block")
        if wanted is None:
            self.report.add("missing-key", f"the key `block` is missing in `{path[-1]}`", at=Place(path, "key"), help="it names a block")
            return None
        if isinstance(wanted, str) and wanted not in self.spec.blocks and self.report.blames(("blocks", wanted)):
            return None
        if not isinstance(wanted, str) or wanted not in self.spec.blocks:
            given = f"`{wanted}`" if isinstance(wanted, str) else shown(wanted)
            help = repair(wanted, self.spec.blocks, "block") if self.spec.blocks else "write it under `blocks`"
            self.report.add("unknown-name", f"no block is named {given}", at=(*path, "block"), help=help, notes=scope.notes)
            return None
        self.used.add(wanted)
        if wanted in scope.blocks:
            circle = " -> ".join((*scope.blocks[scope.blocks.index(wanted) :], wanted))
            headline = f"the block `{wanted}` contains itself: {circle}"
            self.report.add("recursive-block", headline, at=(*path, "block"), help="for a cycle in time use a delayed edge, `prev()`")
            return None
        if len(scope.blocks) == DEEPEST:
            self.report.add("too-large", f"blocks stand at most {DEEPEST} deep in one another", at=(*path, "block"))
            raise Stop
        return wanted

    def parameters(self, name: str, wanted: str, block: Block, given: Any, path: Path) -> dict[str, Any]:
        """The values of a block's parameters in one use of it."""
        if given is not None and not isinstance(given, dict):
            self.report.add("wrong-type", f"`with` takes a mapping, got {shown(given)}", at=(*path, "with"))
            return dict.fromkeys(block.parameters, _Absent())
        given = given or {}
        for key in given:
            if key not in block.parameters and not self.report.blames(("blocks", wanted, "parameters")):
                headline = f"`{key}` is not a parameter of the block `{wanted}`"
                help = repair(key, block.parameters, "parameter")
                self.report.add("unknown-key", headline, at=Place((*path, "with", key), "key"), help=help)
        values = {key: default if given.get(key) is None else given[key] for key, default in block.parameters.items()}
        for key in [key for key, value in values.items() if value is None]:
            self.report.add(
                "block-parameter-missing",
                f"`{name}` gives no value to the parameter `{key}` of the block `{wanted}`",
                at=Place(path, "key"),
                notes=[(Place(("blocks", wanted, "parameters", key), "key"), "it has no default")],
                help=f"write `with: {{{key}: …}}`",
            )
            values[key] = _Absent()
        return values

    def substituted(self, value: Any, path: Path, scope: Scope) -> tuple[Any, bool]:
        """The value with `$name` replaced by the block's parameters, and whether one of them has no value."""
        if isinstance(value, dict):
            items = {key: self.substituted(item, (*path, key), scope) for key, item in value.items()}
            return {key: item for key, (item, _) in items.items()}, any(absent for _, absent in items.values())
        if isinstance(value, list):
            entries = [self.substituted(item, (*path, index), scope) for index, item in enumerate(value)]
            return [item for item, _ in entries], any(absent for _, absent in entries)
        if not (isinstance(value, str) and value.startswith("$")):
            return value, False
        name = value[1:]
        if name in scope.parameters:
            return scope.parameters[name], isinstance(scope.parameters[name], _Absent)
        if self.report.blames((*scope.path, "parameters")):
            return None, True
        help = repair(name, scope.parameters, "parameter") if scope.parameters else f"write `parameters: {{{name}: …}}` in the block"
        self.report.add(
            "block-parameter-missing",
            f"no parameter is named `{name}`",
            at=path,
            help=help if scope.blocks else "parameters exist inside blocks only",
        )
        return None, True
