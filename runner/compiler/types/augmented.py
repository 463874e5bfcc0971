"""Whether pictures that a network is to give are moved and mirrored with those that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nnrun.registry.shape import Shape
from nnrun.runner.compiler.graph.graph import Graph
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.types.shapes import Typed

Augments = Mapping[str, Any]
"""The option `augment` of the fields that have one."""


def check_augmented(graph: Graph, typed: Typed, report: Report) -> None:
    """Warnings about targets that no longer lie upon what they are told from."""
    pictures = {name: config.augment for name, config in typed.fields.items() if hasattr(config, "augment") and name in typed.values}
    for loss in graph.losses:
        target = loss.target.name
        for name in pictures if target in pictures else ():
            if name in _read(loss.input.name, graph) and not _alike(name, target, pictures, typed):
                _report(name, target, pictures, report)


def _alike(name: str, target: str, pictures: Augments, typed: Typed) -> bool:
    """Whether one draw moves both by as much."""
    if pictures[name] != pictures[target]:
        return False
    return not pictures[name].shift or len(set(_sides(typed.values[name])) | set(_sides(typed.values[target]))) < 2


def _sides(shape: Shape) -> Iterator[tuple[int, int]]:
    """Height and width, once they are known."""
    height, width = shape.axes[-2:]
    if isinstance(height, int) and isinstance(width, int):
        yield height, width


def _report(name: str, target: str, pictures: Augments, report: Report) -> None:
    headline = f"`{name}` and its target `{target}` are not augmented alike: after a random change they no longer lie upon each other"
    still, moved = (target, name) if pictures[name].is_active else (name, target)
    notes = [(Place(("data", "fields", moved), "key"), "is changed at random")]
    help = "with one `size` and the same `augment`, one draw changes both"
    report.add("augmented-apart", headline, at=Place(("data", "fields", still), "key"), notes=notes, help=help, severity="warning")


def _read(name: str, graph: Graph) -> set[str]:
    """The fields on which a value depends."""
    found: set[str] = set()
    todo = [name]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            node = graph.nodes.get(name)
            todo += [edge.source.name for edge in (*node.edges, *([node.initial] if node.initial else []))] if node else []
    return found & set(graph.fields)
