"""Which of several inputs of a node differs from the others, and the option that makes it alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nnrun.registry.node import Node
from nnrun.registry.shape import Shape, ShapeError
from nnrun.runner.compiler.graph.graph import Graph, GraphNode
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.text.diagnostic import Place

ENTRYWISE = ("formula", "add", "multiply", "subtract")
"""Nodes whose value is as large as what they read."""


@dataclass(frozen=True, slots=True)
class Odd:
    """The node that makes the odd value, where it is to be mended, and how."""

    at: Place
    shape: Shape
    help: str


def odd_one_out(node: GraphNode, graph: Graph, shapes: Mapping[str, Shape]) -> Odd | None:
    """What to mend where a node combines several values that do not go together; None where no single one is to blame."""
    read = [edge for edge in node.inputs if edge.source.name in shapes and edge.source.port is None]
    return _too_many_units(node, read, graph, shapes) or _unpadded(read, graph, shapes)


def _too_many_units(node: GraphNode, read: list[Edge], graph: Graph, shapes: Mapping[str, Shape]) -> Odd | None:
    """Of three or more flat values the one whose `units` are not those of all others; of two the one that could have others."""
    if any(len(shapes[edge.source.name].axes) != 1 for edge in read):
        return None
    made = {edge.source.name: shapes[edge.source.name].axes[0] for edge in read if edge.source.name != node.name}
    sizes = Counter(made.values()).most_common()
    if len(sizes) != 2:
        return None
    free = [name for name in made if isinstance(getattr(_config(name, graph), "units", None), int)]
    if len(made) == 2:  # what is computed entry by entry has the size of what it reads
        follow = [name for name in made if (config := _config(name, graph)) is not None and config.type_name() in ENTRYWISE]
        odd = free[0] if len(free) == len(follow) == 1 else None
    else:
        rare = [name for name, size in made.items() if size == sizes[1][0]]
        odd = rare[0] if len(rare) == 1 and rare[0] in free else None
    if odd is None:
        return None
    size = next(size for size in made.values() if size != made[odd])
    help = f"write `units: {size}` in `{odd.rpartition('/')[2]}`, as the other{'s' * (len(made) > 2)} ha{'ve' if len(made) > 2 else 's'} it"
    return Odd(Place((*graph.nodes[odd].path, "units")), shapes[odd], help)


def _config(name: str, graph: Graph) -> Node | None:
    return graph.nodes[name].config if name in graph.nodes else None


def _unpadded(read: list[Edge], graph: Graph, shapes: Mapping[str, Shape]) -> Odd | None:
    """The convolution or pool that shrinks its image for want of padding, where the others keep theirs."""
    for edge in read:
        others = {shapes[other.source.name].axes[1:] for other in read if other.source.name != edge.source.name}
        for name in _behind(edge.source.name, graph):
            odd = graph.nodes[name]
            if name not in shapes or len(odd.inputs) != 1 or odd.config is None or odd.inputs[0].source.value not in shapes:
                continue
            if getattr(odd.config, "padding", "same") == "same":
                continue
            given, padded = shapes[odd.inputs[0].source.value].tick, odd.config.model_copy(update={"padding": "same"})
            try:
                axes = padded.shape(given).axes
            except ShapeError:
                continue
            if axes[1:] in others and axes[1:] != shapes[name].axes[1:] and shapes[name].axes[1:] == shapes[edge.source.name].axes[1:]:
                sizes = " by ".join(map(str, shapes[name].axes[1:])), " by ".join(map(str, given.axes[1:]))
                own = name.rpartition("/")[2]
                return Odd(Place(odd.path, "key"), shapes[name], f"`{own}` makes {sizes[0]} of {sizes[1]}: write `padding: same` in it")
    return None


def _behind(name: str, graph: Graph) -> Iterator[str]:
    """A node and those before it, as long as each reads one other."""
    while name in graph.nodes:
        yield name
        inputs = graph.nodes[name].inputs
        if len(inputs) != 1 or inputs[0].source.delay:
            return
        name = inputs[0].source.name
