"""A graph as a picture: SVG, Graphviz's DOT, or text. Delayed edges are dashed, symmetric ones have two heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from nnrun.registry.objective import Loss
from nnrun.runner.compiler.check import Checked
from nnrun.runner.compiler.graph.graph import Graph
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.plan import Plan

HEIGHT, GAP_X, GAP_Y, MARGIN = 44, 28, 46, 24

COLOURS = {"field": "#f3f0e7", "node": "#ffffff", "memory": "#e8eef8", "judged": "#fbeae4"}


@dataclass(frozen=True)
class Arrow:
    """An edge as it is drawn."""

    source: str
    target: str
    kind: str
    """`forward`, `delayed` or `symmetric`."""
    label: str


def arrows(graph: Graph) -> list[Arrow]:
    """All edges, in the order of the nodes they end in."""
    found = []
    for node in graph.nodes.values():
        found += [_arrow_of(edge, "in training" if node.scores else "") for edge in node.edges]
        found += [_arrow_of(edge, "") for edge in (node.initial,) if edge is not None]
        found += [_arrow_of(edge, "to choose from") for edge in (node.scores,) if edge is not None]
    for net in graph.energy_nets:
        found += [Arrow(edge.source.name, edge.target.name, "symmetric", "") for edge in net.edges]
    return found


def _arrow_of(edge: Edge, about: str) -> Arrow:
    ticks = edge.source.delay
    words = [f"{ticks} ticks ago" if ticks > 1 else "", edge.source.port or "", f"as {edge.target.port}" if edge.target.port else "", about]
    return Arrow(edge.source.name, edge.target.name, "delayed" if ticks else "forward", ", ".join(word for word in words if word))


def boxes(checked: Checked) -> dict[str, tuple[str, list[str]]]:
    """What is written into the box of each field and node, and the kind of box."""
    graph, plan, spec = checked.graph, checked.plan, checked.spec
    assert graph is not None
    assert spec is not None
    losses = [loss for loss in (spec.train.loss if spec.train else None) or () if isinstance(loss, Loss)]
    used = {arrow.source for arrow in arrows(graph)}
    judged = {loss.input.partition(".")[0] for loss in losses}
    found: dict[str, tuple[str, list[str]]] = {}
    for name in spec.data.fields if spec.data else ():
        if name in used:
            found[name] = ("field", [name, _type(plan, name)])
    for name, node in graph.nodes.items():
        kind = node.config.type_name() if node.config else "?"
        box = "judged" if name in judged else "memory" if node.config is not None and node.config.scope == "time" else "node"
        found[name] = (box, [name, f"{kind} {_type(plan, name)}".strip()])
    return found


def graph_text(checked: Checked) -> str:
    """A line for each node: what it is, what it reads, and how."""
    assert checked.graph is not None
    signs = {"forward": "<-", "delayed": "<~", "symmetric": "<->"}
    lines = []
    for name, (_, words) in boxes(checked).items():
        lines.append(f"{name}: {words[1]}")
        for arrow in arrows(checked.graph):
            label = f" ({arrow.label})" if arrow.label else ""
            if arrow.target == name:
                lines.append(f"    {signs[arrow.kind]} {arrow.source}{label}")
            elif arrow.source == name and arrow.kind == "symmetric":
                lines.append(f"    <-> {arrow.target}")
    return "\n".join(lines) + "\n"


def graph_dot(checked: Checked) -> str:
    """The graph for Graphviz."""
    assert checked.graph is not None
    lines = [
        "digraph nnrun {",
        '  node [shape=box, style="rounded,filled", fontname="Helvetica"];',
        '  edge [fontname="Helvetica", fontsize=10];',
    ]
    for name, (kind, words) in boxes(checked).items():
        lines.append(f"  {_quoted(name)} [label={_quoted(chr(10).join(words))}, fillcolor={_quoted(COLOURS[kind])}];")
    for arrow in arrows(checked.graph):
        style = {"delayed": ", style=dashed, constraint=false", "symmetric": ", dir=both, penwidth=2"}.get(arrow.kind, "")
        lines.append(f"  {_quoted(arrow.source)} -> {_quoted(arrow.target)} [label={_quoted(arrow.label)}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def graph_svg(checked: Checked) -> str:
    """The graph as SVG, laid out from top to bottom."""
    assert checked.graph is not None
    found = boxes(checked)
    names = list(found)
    widths = {name: max(len(word) for word in words) * 7.3 + 24 for name, (_, words) in found.items()}
    drawn = [arrow for arrow in arrows(checked.graph) if arrow.source in found]
    places, routes = _layout(names, drawn, max(widths.values(), default=80) + GAP_X)
    x0 = min((x - widths[name] / 2 for name, (x, _) in places.items()), default=0) - MARGIN
    x1 = (
        max((x + widths[name] / 2 for name, (x, _) in places.items()), default=0)
        + MARGIN
        + (110 if any(arrow.kind == "delayed" for arrow in drawn) else 0)
    )
    height = max((y for _, y in places.values()), default=0) + HEIGHT + 2 * MARGIN
    width = x1 - x0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
        ' font-family="Helvetica, Arial, sans-serif" font-size="12">',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse">'
        '<path d="M0,0 L10,5 L0,10 z" fill="#555555"/></marker></defs>',
        f'<g transform="translate({-x0:.0f},{MARGIN})">',
    ]
    for arrow, route in zip(drawn, routes, strict=True):
        parts.append(_arrow(arrow, places, route, widths))
    for name, (kind, words) in found.items():
        x, y = places[name]
        parts.append(
            f'<g><rect x="{x - widths[name] / 2:.1f}" y="{y:.1f}" width="{widths[name]:.1f}" height="{HEIGHT}" rx="7"'
            f' fill="{COLOURS[kind]}" stroke="#555555"/>'
            f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle" font-weight="bold" fill="#222222">{escape(words[0])}</text>'
            f'<text x="{x:.1f}" y="{y + 34:.1f}" text-anchor="middle" fill="#555555">{escape(words[1])}</text></g>'
        )
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def _layout(
    names: Sequence[str], drawn: Sequence[Arrow], gap: float
) -> tuple[dict[str, tuple[float, float]], list[list[tuple[float, float]]]]:
    """Places of the boxes' top centres, and the bends of each arrow. Delayed edges do not decide who is above whom.

    An arrow over several layers gets an unseen box in each, so that the layout keeps a lane free for it.
    """
    import igraph

    straight = [arrow for arrow in drawn if _falls(arrow)]
    layers = _layers(names, straight)
    number = {name: index for index, name in enumerate(names)}
    levels = [layers[name] for name in names]
    edges: list[tuple[int, int]] = []
    lanes: dict[int, list[int]] = {}
    for index, arrow in enumerate(drawn):
        if not _falls(arrow):
            continue
        top, bottom = layers[arrow.source], layers[arrow.target]
        lane = list(range(len(levels), len(levels) + max(0, bottom - top - 1)))
        levels += range(top + 1, bottom)
        stations = [number[arrow.source], *lane, number[arrow.target]]
        edges += pairwise(stations)
        lanes[index] = lane
    graph = igraph.Graph(n=len(levels), edges=edges, directed=True)
    layout = [(float(x), float(y)) for x, y in graph.layout_sugiyama(layers=levels, hgap=gap, vgap=HEIGHT + GAP_Y).coords]
    places = {name: layout[index] for name, index in number.items()}
    return places, [[layout[station] for station in lanes.get(index, [])] for index in range(len(drawn))]


def _falls(arrow: Arrow) -> bool:
    """Whether the arrow goes from a higher layer to a lower one."""
    return arrow.kind == "forward" and arrow.source != arrow.target


def _layers(names: Sequence[str], straight: Sequence[Arrow]) -> dict[str, int]:
    """The layer of each box: one below the lowest that it reads; in an undelayed cycle, as far as it goes."""
    layers = dict.fromkeys(names, 0)
    for _ in names:
        before = dict(layers)
        for arrow in straight:
            layers[arrow.target] = max(layers[arrow.target], min(layers[arrow.source] + 1, len(names)))
        if layers == before:
            break
    return layers


def _arrow(arrow: Arrow, places: dict[str, tuple[float, float]], route: list[tuple[float, float]], widths: dict[str, float]) -> str:
    (sx, sy), (tx, ty) = places[arrow.source], places[arrow.target]
    style = 'fill="none" stroke="#555555" marker-end="url(#head)"'
    if not _falls(arrow):
        right = max(sx + widths[arrow.source] / 2, tx + widths[arrow.target] / 2)
        bend = right + 34 + abs(sy - ty) * 0.12
        start, end = (sx + widths[arrow.source] / 2, sy + HEIGHT * 0.65), (tx + widths[arrow.target] / 2, ty + HEIGHT * 0.35)
        path = f"M{start[0]:.1f},{start[1]:.1f} C{bend:.1f},{start[1]:.1f} {bend:.1f},{end[1]:.1f} {end[0]:.1f},{end[1]:.1f}"
        at = (bend - 6, (start[1] + end[1]) / 2)
        style += ' stroke-dasharray="5,4"' if arrow.kind == "delayed" else ""
    else:
        points = [(sx, sy + HEIGHT), *((x, y + HEIGHT / 2) for x, y in route), (tx, ty)]
        pieces = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"]
        for (ax, ay), (bx, by) in pairwise(points):
            middle = (ay + by) / 2
            pieces.append(f"C{ax:.1f},{middle:.1f} {bx:.1f},{middle:.1f} {bx:.1f},{by:.1f}")
        path = " ".join(pieces)
        at = ((points[0][0] + points[1][0]) / 2 + 6, (points[0][1] + points[1][1]) / 2)
    if arrow.kind == "symmetric":
        style += ' marker-start="url(#head)" stroke-width="2"'
    label = f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" font-size="10" fill="#777777">{escape(arrow.label)}</text>' if arrow.label else ""
    return f'<path d="{path}" {style}/>{label}'


def _type(plan: Plan | None, name: str) -> str:
    return str(plan.values[name]) if plan is not None and name in plan.values else ""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
