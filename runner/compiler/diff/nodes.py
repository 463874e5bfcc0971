"""Nodes of two graphs compared: their options, their start values, the types of their values and the order of what they read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from nnrun.registry.algebra.formula import Apply, Constant, Expression, Read, parse
from nnrun.registry.algebra.ticks import renamed
from nnrun.registry.shape import Axis, Shape, may_equal, same_axes
from nnrun.runner.compiler.canonical import COMMUTATIVE, options_of
from nnrun.runner.compiler.diff.side import Side, by_names, in_words
from nnrun.runner.compiler.diff.values import Change, compared, replaced, told
from nnrun.runner.compiler.graph.graph import GraphNode
from nnrun.runner.compiler.types.shapes import shared

Names = Mapping[str, str]


def node_changes(one: Side, other: Side, names: Names) -> Iterator[Change]:
    """Nodes that are gone or new, and options that differ, with the node's name first in the path."""
    known = set(names.values())
    for name, node in one.graph.nodes.items():
        if names[name] not in other.graph.nodes:
            yield Change((names[name],), told(node.config), None)
    for name, node in other.graph.nodes.items():
        if name not in known:
            yield Change((name,), None, told(node.config))
    for was, node in matched(one, other, names):
        yield from compared((node.name,), _config(was, one, names, _formula(was, node, names)), _config(node, other, {}, None))
        if was.learned != node.learned:
            yield Change((node.name, "start value"), *("learned" if it.learned else "zeros" for it in (was, node)))


def type_changes(one: Side, other: Side, names: Names) -> Iterator[Change]:
    """Nodes whose value is of another type. A size that is known of one spec only, as its data was looked at, is no difference."""
    for was, node in matched(one, other, names):
        before, after = _shape(one.plan.values[was.name], names), other.plan.values[node.name]
        alike = same_axes(before.axes, after.axes) and may_equal(before.classes or "", after.classes or "")
        if not alike or replace(before, axes=after.axes, classes=after.classes) != after:
            at_each = (before.time, before.ticks) == (after.time, after.ticks)  # then it is enough to say what is at a tick
            yield Change((node.name, "gives"), *(str(shape.tick if at_each else shape) for shape in (before, after)))


def order_changes(one: Side, other: Side, names: Names) -> Iterator[Change]:
    """Nodes to which the order of their inputs matters, and which read in another one what they read in both."""
    for was, node in matched(one, other, names):
        sources = [[str(in_words(edge.source, these)) for edge in it.inputs] for it, these in ((was, names), (node, {}))]
        both = Counter(sources[0]) & Counter(sources[1])
        common = [[source for source in held if source in both] for held in sources]
        ordered = all(it.config is not None and it.config.formula is None and not it.config.unordered for it in (was, node))
        if ordered and common[0] != common[1]:
            yield Change((node.name, "inputs"), *sources)


def matched(one: Side, other: Side, names: Names) -> Iterator[tuple[GraphNode, GraphNode]]:
    """The nodes that are in both, in the order of the second."""
    back = {meant: one.graph.nodes[name] for name, meant in names.items() if name in one.graph.nodes}
    yield from ((back[name], node) for name, node in other.graph.nodes.items() if name in back)


def _config(node: GraphNode, side: Side, names: Names, formula: str | None) -> Any:
    """A node's options in the words of the second spec."""
    config = node.config
    assert config is not None
    values: dict[str, Any] = {} if formula is None else {"is_": formula}
    if isinstance(units := getattr(config, "units", None), str):
        values["units"] = by_names(units, names)
    if (share := getattr(config, "share", None)) is not None:
        whole = shared(node.name, share, side.graph)
        values["share"] = names.get(whole, whole)
    if getattr(config, "weights", None) is not None:
        values["weights"] = options_of(node)["weights"]
    if config.decides:
        values["target"] = by_names(str(getattr(config, "target", "")), names)
    return replaced(config, **values)


def _formula(was: GraphNode, node: GraphNode, names: Names) -> str | None:
    """The formula of a node in the words that it has in the second spec, where it means the same there."""
    texts = [it.config.formula if it.config is not None else None for it in (was, node)]
    if texts[0] is None or texts[1] is None:
        return None
    same = _meaning(parse(texts[0]).expression, was, names) == _meaning(parse(texts[1]).expression, node, {})
    return texts[1] if same else None


def _meaning(part: Expression, node: GraphNode, names: Names) -> str:
    """A formula with the values that it reads by their whole names, and what can change places in the order of the alphabet."""
    match part:
        case Read(index=index):
            return str(in_words(node.inputs[index].source, names))
        case Constant(value=value):
            return str(value)
        case Apply(function=function, arguments=arguments):
            inner = [_meaning(argument, node, names) for argument in arguments]
            return f"{function}({', '.join(sorted(inner) if function in COMMUTATIVE else inner)})"


def _shape(shape: Shape, names: Names) -> Shape:
    """A type in the words of the second spec."""

    def size(axis: Axis) -> Axis:
        return by_names(axis, names) if isinstance(axis, str) else axis

    return replace(
        shape,
        axes=tuple(map(size, shape.axes)),
        classes=None if shape.classes is None else size(shape.classes),
        time=shape.time and renamed(shape.time, names),
    )
