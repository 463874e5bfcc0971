"""Which field's symbols a value holds, that nodes which share weights mean the same ones, and that vectors of a file can be told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from nnrun.registry.data.files import existing
from nnrun.registry.data.vectors.vectors import Vectors
from nnrun.registry.field import Facts, Field
from nnrun.registry.fields.text import Text
from nnrun.registry.node import Trainable
from nnrun.registry.shape import Shape
from nnrun.registry.source import SourceError
from nnrun.runner.compiler.graph.graph import Graph, GraphNode
from nnrun.runner.compiler.text.diagnostic import Path as Way
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.text.words import listed
from nnrun.runner.compiler.types.shapes import Typed, shared

SHOWN = 6
"""Classes of a field that a finding lists."""


def check_symbols(graph: Graph, typed: Typed, facts: Mapping[str, Facts], report: Report) -> None:
    """Refuse weights that are shared over other classes: a row of an embedding would stand for one here and for another there."""
    for node in graph.nodes.values():
        if not isinstance(node.config, Trainable) or node.config.share is None:
            continue
        other = graph.nodes.get(shared(node.name, node.config.share, graph))
        for mine, theirs in _pairs(node, other, graph, typed) if other is not None else ():
            own, its = (_symbols(name, typed, facts) for name in (mine, theirs))
            if own is None or its is None or own == its:
                continue
            field = Place(("data", "fields", mine), "key")
            help = f"list the `classes` of `{mine}` as those of `{theirs}`" if set(own) == set(its) else "leave out `share`"
            report.add(
                "shape-mismatch",
                f"`{node.name}` shares the weights of `{node.config.share}`, but classes differ: "
                f"{_told(own)} of `{mine}`, and {_told(its)} of `{theirs}`",
                at=(*node.path, "share"),
                notes=[(field, "the classes of one"), (Place(("data", "fields", theirs), "key"), "those of the other"), *node.notes],
                help=help,
            )
            break


def check_vectors(graph: Graph, typed: Typed, folder: Path | None, report: Report) -> None:
    """Refuse vectors of a file where nothing says which is whose. With the spec's `folder`, warn of files that are not there."""
    for node in graph.nodes.values():
        vectors = getattr(node.config, "init", None)
        if not isinstance(vectors, Vectors):
            continue
        at = (*node.path, "init")
        other = next((option for option in ("share", "weights") if getattr(node.config, option) is not None), None)
        name = field_of_symbols(node.inputs[0].source.name, graph, typed.values) if node.inputs else None
        if other is not None:
            headline = f"`{node.name}` starts from vectors of a file, and `{other}` brings it others"
            report.add("conflicting-keys", headline, at=at, help=f"leave out `init` or `{other}`", notes=node.notes)
        elif name is None and node.name in typed.nodes:
            headline = f"`{node.name}` starts from vectors by their names, but reads no symbols of a field, which have some"
            help = "let it read a field or a `choice`, or leave out `init`"
            report.add("not-supported-yet", headline, at=at, help=help, notes=node.notes)
        elif name is not None and vectors.is_numbered and vectors.tokenizer is None and not _is_cut_by_file(typed.fields[name]):
            headline = f"the rows of `{vectors.file}` have numbers, and nothing says of which tokens"
            help = f"`tokenizer: PATH` in `init` names its `tokenizer.json`; that of `{name}` is taken where `tokens: PATH` names one"
            report.add("missing-key", headline, at=at, help=help, notes=node.notes)
        if folder is not None:
            _look_for(vectors, folder, at, report)


def _is_cut_by_file(field: Field) -> bool:
    return isinstance(field, Text) and field.is_cut_by_file


def _look_for(vectors: Vectors, folder: Path, at: Way, report: Report) -> None:
    for option, path in vectors.paths().items():
        try:
            existing(folder, path)
        except SourceError as error:
            report.add("missing-file", error.message, at=(*at, option), help=error.help, severity="warning")


def _pairs(node: GraphNode, other: GraphNode, graph: Graph, typed: Typed) -> Iterator[tuple[str, str]]:
    """Different fields whose symbols two nodes read, or give scores for, in the same place."""
    for mine, theirs in zip(node.inputs, other.inputs, strict=False):
        fields = [field_of_symbols(edge.source.name, graph, typed.values) for edge in (mine, theirs)]
        if fields[0] is not None and fields[1] is not None and fields[0] != fields[1]:
            yield fields[0], fields[1]
    units = [getattr(one.config, "units", None) for one in (node, other)]
    if isinstance(units[0], str) and isinstance(units[1], str) and units[0] != units[1]:
        yield units[0], units[1]


def field_of_symbols(name: str, graph: Graph, values: Mapping[str, Shape]) -> str | None:
    """The field whose symbols a value holds, as numbers or as zeros and a one."""
    seen: set[str] = set()
    while name in graph.nodes and name not in seen:
        seen.add(name)
        node = graph.nodes[name]
        one_hot = node.config is not None and node.config.type_name() == "one_hot"
        if len(node.inputs) != 1 or name not in values or not (one_hot or values[name].kind != "number"):
            return None
        name = node.inputs[0].source.name
    return name if name in values and values[name].kind != "number" else None


def _symbols(name: str, typed: Typed, facts: Mapping[str, Facts]) -> list[str] | None:
    """The symbols of a field in the order of their numbers, as far as they are known."""
    known = facts.get(name, {})
    symbols = known.get("classes") or known.get("vocabulary") or getattr(typed.fields.get(name), "classes", None)
    return None if symbols is None else list(symbols)


def _told(symbols: list[str]) -> str:
    return listed(symbols[:SHOWN]) + ", …" * (len(symbols) > SHOWN)
