"""The picture of a checked spec; where the spec has errors, of what is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nnrun.registry.group import Group
from nnrun.registry.node import Node
from nnrun.registry.objective import Loss
from nnrun.registry.shape import Shape
from nnrun.registry.training import Learner
from nnrun.runner.compiler.check import Checked
from nnrun.runner.compiler.graph.graph import Graph, GraphNode
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.text.words import written
from nnrun.runner.compiler.types.ops import Op
from nnrun.runner.show.drawing.picture import Arrow, Box, BoxKind, Frame, Marks, Picture


def picture_of(checked: Checked, marks: Marks | None = None) -> Picture:
    """All that is read or judged, framed where it is a loop, a block or an energy network."""
    spec, graph, plan = checked.spec, checked.graph, checked.plan
    assert spec is not None
    assert graph is not None
    judging = list(_judging(graph, plan))
    arrows = [*_arrows(graph, plan), *(arrow for _, found in judging for arrow in found)]
    read = {arrow.source for arrow in arrows}
    boxes = [Box(name, "field", (name, *_type(plan, name, framed=False))) for name in graph.fields if name in read]
    ops = {op.name: op for op in plan.ops} if plan is not None else {}
    ticking = {name for loop in graph.loops for name in loop.nodes} | set(_writing(plan))
    boxes += [_box(node, ops.get(node.name), plan, node.name in ticking) for node in graph.nodes.values()]
    boxes += [box for box, _ in judging]
    known = {box.name for box in boxes}
    size = f", {_count(plan.size)}" if plan is not None and plan.size else ""
    shown = tuple(arrow for arrow in arrows if {arrow.source, arrow.target} <= known)
    return Picture(f"{spec.name}{size}", tuple(boxes), shown, tuple(_frames(spec, graph, plan)), marks or {})


def _arrows(graph: Graph, plan: Plan | None) -> Iterator[Arrow]:
    """All edges, in the order of the nodes they end in."""
    for node in graph.nodes.values():
        for edge in node.edges:
            yield _arrow(edge, "in training" if node.scores else "")
        if node.initial is not None:
            yield _arrow(node.initial, "")
        if node.scores is not None:
            yield Arrow(node.scores.source.name, node.name, "choice", node.scores.source.port or "")
    sizes = {(one.first, one.second): _count(one.free) for net in (plan.nets if plan else ()) for one in net.couplings}
    for net in graph.energy_nets:
        for edge in net.edges:
            ends = edge.source.name, edge.target.name
            yield Arrow(*ends, "symmetric", sizes.get(ends, ""))


def _arrow(edge: Edge, about: str) -> Arrow:
    ticks, port = edge.source.delay, edge.target.port
    late = f"{ticks} tick{'s' * (ticks > 1)} ago" if ticks else ""
    words = [late, edge.source.port or "", f"as {port}" if port else "", about]
    return Arrow(edge.source.name, edge.target.name, "delayed" if ticks else "forward", " ".join(word for word in words if word))


def _box(node: GraphNode, op: Op | None, plan: Plan | None, framed: bool) -> Box:
    config = node.config
    if config is None:
        return Box(node.name, "node", (node.name.rpartition("/")[2], "?"))
    lines = [node.name.rpartition("/")[2], _what(config), *_type(plan, node.name, framed)]
    if op is not None and op.share:
        lines.append(f"weights of {op.share}")
    elif op is not None and op.size:
        lines.append(_count(op.size))
    if node.learned:
        lines.append("its start is learned")
    kind: BoxKind = "units" if isinstance(config, Group) else "sequence" if config.scope == "time" else "node"
    return Box(node.name, kind, tuple(lines))


def _what(config: Node) -> str:
    """A node in a line: its formula, or its type and what the spec says of it."""
    if config.formula:
        return config.formula
    said = {name: value for name, value in config.options().items() if name in config.model_fields_set and name not in config.meaningless()}
    return ", ".join([config.type_name(), *filter(None, (_option(name, value) for name, value in said.items()))])


def _option(name: str, value: Any) -> str:
    if value is None or _is_large(value):
        return name if value else ""
    if isinstance(value, bool):
        return name if value else f"no {name}"
    if name in ("activation", "function"):
        return written(value)
    return f"{name} {written(value)}"


def _is_large(value: Any) -> bool:
    """Whether it is a mapping, or a list of some, and has no place in a line."""
    if isinstance(value, tuple | list):
        return any(map(_is_large, value))
    return hasattr(value, "model_dump") or isinstance(value, Mapping)


def _type(plan: Plan | None, name: str, framed: bool) -> Iterator[str]:
    """What a value looks like; its ticks, where no frame tells them."""
    shape = plan.values.get(name) if plan is not None else None
    if shape is None:
        return
    yield str(shape.tick).replace("`", "")
    if shape.time is not None and not framed:
        yield _ticks(shape)


def _ticks(shape: Shape) -> str:
    return f"each of {shape.ticks} ticks of {shape.time}" if shape.ticks else f"each tick of {shape.time}"


def _judging(graph: Graph, plan: Plan | None) -> Iterator[tuple[Box, list[Arrow]]]:
    """A box for each pair of values that losses and metrics compare."""
    pairs: dict[tuple[str, str], list[str]] = {}
    stages = plan.stages if plan is not None else ()
    earlier = [(one.config, one.input, one.target) for stage in stages for one in stage.losses]
    last = [(one.config, one.input.value, one.target.value) for one in (*graph.losses, *graph.metrics)]
    for config, input, target in [*earlier, *last]:
        weight = f" x {config.weight:g}" if isinstance(config, Loss) and config.weight != 1 else ""
        what = f"{config.type_name()}{weight}" if isinstance(config, Loss) else config.label
        said = pairs.setdefault((input, target), [])
        if what not in said:
            said.append(what)
    losses = {(input, target) for config, input, target in [*earlier, *last] if isinstance(config, Loss)}
    for number, (ends, said) in enumerate(pairs.items()):
        name = f"judged:{number}"
        heading = said[0] if ends in losses else "measured"
        rest = said[1:] if ends in losses else said
        lines = (heading, "loss", *([f"measured: {', '.join(rest)}"] if rest else [])) if ends in losses else (heading, ", ".join(rest))
        arrows = []
        for value, role in zip(dict.fromkeys(ends), ("", "target"), strict=False):
            source, _, port = value.partition(".")
            arrows.append(Arrow(source, name, "judged", " ".join(word for word in (port, role) if word)))
        yield Box(name, "loss", lines), arrows


def _frames(spec: Spec, graph: Graph, plan: Plan | None) -> Iterator[Frame]:
    """Those that matter most first: where two cross, the later one is parted."""
    for loop in graph.loops:
        shape = next((plan.values[name] for name in loop.nodes if plan.values[name].time), None) if plan else None
        yield Frame("loop", _ticks(shape) if shape else "each tick", frozenset(loop.nodes))
    learners = _learners(spec, graph)
    for net in graph.energy_nets:
        learner = learners.get(net.groups[0])
        yield Frame("energy", f"energy network{f', {learner}' if learner else ''}", frozenset(net.groups))
    if plan is not None and plan.decoding is not None and not plan.decoding.spelled:
        yield Frame("writing", f"when it writes: each symbol of {plan.decoding.target}", frozenset(_writing(plan)))
    yield from _blocks(graph)


def _blocks(graph: Graph) -> Iterator[Frame]:
    """A frame for each use of a block, the outer ones first."""
    members: dict[str, list[str]] = {}
    titles: dict[str, str] = {}
    for name, node in graph.nodes.items():
        uses = name.split("/")[:-1]
        inside = [*(place.path for place, _ in node.notes), node.path][1:]  # of each use, the path of something in its block
        for depth, (use, path) in enumerate(zip(uses, inside, strict=False), 1):  # a wrong name may have a slash
            full = "/".join(uses[:depth])
            members.setdefault(full, []).append(name)
            titles[full] = f"{use}: {path[1]}"
    for full, names in sorted(members.items(), key=lambda item: item[0].count("/")):
        yield Frame("block", titles[full], frozenset(names))


def _writing(plan: Plan | None) -> tuple[str, ...]:
    """The nodes that run at each symbol when the network generates."""
    decoding = plan.decoding if plan is not None else None
    return (*decoding.nodes, decoding.choice) if decoding is not None and not decoding.spelled else ()


def _learners(spec: Spec, graph: Graph) -> dict[str, str]:
    """By group, the name of what trains its network."""
    found: dict[str, str] = {}
    for train in spec.stages:
        if isinstance(train.learner, Learner) and not train.learner.needs_loss:
            names = train.nodes or [name for net in graph.energy_nets for name in net.groups]
            found |= {name: train.learner.type_name() for name in names if name not in found}
    return found


def _count(size: int | str) -> str:
    text = f"{size:,}" if isinstance(size, int) else size
    return f"{text} parameter{'s' * (size != 1)}"
