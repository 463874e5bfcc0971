"""A picture for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from nnrun.runner.show.drawing.picture import ArrowKind, Box, BoxKind, Picture
from nnrun.runner.show.drawing.places.nesting import Nest, nested

FILLS: dict[BoxKind, str] = {"field": "#f6f1df", "node": "#ffffff", "sequence": "#e6eefb", "units": "#e9f6ec", "loss": "#fbe9e3"}
STYLES: dict[ArrowKind, str] = {
    "delayed": ", style=dashed, constraint=false",
    "symmetric": ", dir=both, penwidth=2",
    "choice": ", style=dotted",
}


def picture_dot(picture: Picture) -> str:
    """The picture as DOT, frames as clusters."""
    lines = [
        "digraph nnrun {",
        f'  label={_quoted(picture.title)}; labelloc=t; fontname="Helvetica";',
        '  node [shape=box, style="rounded,filled", fontname="Helvetica"];',
        '  edge [fontname="Helvetica", fontsize=10];',
        *_nest(nested(picture), {box.name: box for box in picture.boxes}, [0], "  "),
    ]
    for arrow in picture.arrows:
        lines.append(f"  {_quoted(arrow.source)} -> {_quoted(arrow.target)} [label={_quoted(arrow.label)}{STYLES.get(arrow.kind, '')}];")
    return "\n".join([*lines, "}"]) + "\n"


def _nest(nest: Nest, boxes: dict[str, Box], count: list[int], indent: str) -> Iterator[str]:
    for name, box in boxes.items():
        if name in nest.boxes:
            yield f"{indent}{_quoted(name)} [label={_quoted(chr(10).join(box.lines))}, fillcolor={_quoted(FILLS[box.kind])}];"
    for inner in nest.nests:
        assert inner.frame is not None
        count[0] += 1
        yield f"{indent}subgraph cluster_{count[0]} {{"
        yield f"{indent}  label={_quoted(inner.frame.title)}; style=rounded;"
        yield from _nest(inner, boxes, count, indent + "  ")
        yield f"{indent}}}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
