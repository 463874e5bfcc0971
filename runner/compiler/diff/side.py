"""One of two specs that are compared: its graph as people read it, and what it means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar

from nnrun.registry.shape import Axis
from nnrun.runner.compiler.canonical import ORIENTED, meaning_of, spec_graph
from nnrun.runner.compiler.colours import Meaning
from nnrun.runner.compiler.graph.graph import INITIAL, Graph, GraphNode
from nnrun.runner.compiler.language.edges import Edge, Reference
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import plain

Mark = Literal["same", "added", "gone", "changed"]

T = TypeVar("T")


@dataclass(frozen=True)
class Marked(Generic[T]):
    """A part of one graph or of both: as it is in the first and in the second, None where it is not."""

    before: T | None
    after: T | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Link:
    """An edge as a spec writes it."""

    source: Reference
    target: Reference
    kind: Literal["forward", "symmetric"] = "forward"
    mask: str | None = None
    """Of a symmetric edge, as text."""
    oriented: bool = True
    """Whether its ends cannot change places."""

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for links that are the same."""
        ends = (self.source, self.target) if self.oriented else sorted((self.source, self.target), key=str)
        return self.kind, self.mask, *ends

    @property
    def end(self) -> tuple[Any, ...]:
        """Equal for links of which one can be the other changed: they end at the same place, or are between the same groups."""
        return (self.target,) if self.kind == "forward" else (self.kind, *sorted((str(self.source), str(self.target))))

    def renamed(self, names: Mapping[str, str]) -> Link:
        return replace(self, source=in_words(self.source, names), target=in_words(self.target, names))

    def __str__(self) -> str:
        return f"{self.source} {'<->' if self.kind == 'symmetric' else '->'} {self.target}" + (f", mask {self.mask}" if self.mask else "")


@dataclass(frozen=True)
class Side:
    """A checked spec, as far as it is compared."""

    plan: Plan

    @cached_property
    def graph(self) -> Graph:
        return spec_graph(self.plan)

    @cached_property
    def meaning(self) -> Meaning:
        return meaning_of(self.plan, self.graph)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """All edges but those that an option names, in the order of the nodes they end in."""
        return tuple(link for node in self.graph.nodes.values() for link in _links_of(node)) + tuple(
            _coupling(edge) for net in self.graph.energy_nets for edge in net.edges
        )

    @property
    def sizes(self) -> Iterator[tuple[tuple[str, ...], Axis]]:
        """Numbers that training changes, of each node and of each symmetric edge by its two ends."""
        yield from (((op.name,), op.size) for op in self.plan.ops)
        yield from (((one.first, one.second), one.free) for net in self.plan.nets for one in net.couplings)

    @property
    def read(self) -> list[str]:
        """The fields that edges read."""
        named = {
            edge.source.name for node in self.graph.nodes.values() for edge in (*node.edges, *filter(None, (node.initial, node.scores)))
        }
        return [name for name in self.plan.fields if name in named]


def in_words(value: Reference, names: Mapping[str, str]) -> Reference:
    """A value by the names of the other spec."""
    return replace(value, name=names.get(value.name, value.name))


def by_names(text: str, names: Mapping[str, str]) -> str:
    """A text with other names: `label`, `series.next`, `64*text+99074`."""
    return re.sub(r"(?<![\w.])[a-z][\w/]*", lambda found: names.get(found.group(), found.group()), text)


def _links_of(node: GraphNode) -> Iterator[Link]:
    config = node.config
    assert config is not None
    for edge in (*node.inputs[len(config.readings()) :], *node.ports.values()):
        yield Link(edge.source, edge.target)
    if node.initial is not None:
        yield Link(node.initial.source, Reference(node.name, INITIAL))
    if node.scores is not None:
        yield Link(node.scores.source, Reference(node.name))


def _coupling(edge: Edge) -> Link:
    if edge.mask is None:
        return Link(edge.source, edge.target, "symmetric", oriented=False)
    options = plain(edge.mask)
    used = {"grid": ("reach",), "random": ("share", "seed"), "file": ("file",)}[edge.mask.type]
    mask = f"{edge.mask.type}, {', '.join(f'{key} {options[key]}' for key in used)}"
    return Link(edge.source, edge.target, "symmetric", mask, edge.mask.type in ORIENTED)
