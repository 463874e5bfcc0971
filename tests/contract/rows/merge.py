"""Nodes that make one value of several."""

from nnrun.registry.shape import Shape
from tests.contract.node_rows import Row

FLAT = Shape((4,))
IMAGE = Shape((2, 3, 4))

ROWS = [
    Row({"type": "add"}, (FLAT, FLAT, Shape())),
    Row({"type": "add"}, (FLAT,)),
    Row({"type": "multiply"}, (Shape((2, 1, 1)), IMAGE)),
    Row({"type": "multiply"}, (Shape(), FLAT, FLAT)),
    Row({"type": "subtract"}, (FLAT, FLAT)),
    Row({"type": "subtract"}, (Shape(), IMAGE)),
    Row({"type": "concat"}, (FLAT, Shape(), Shape((2,))), changes={"axis": []}),
    Row({"type": "concat"}, (IMAGE, Shape((1, 3, 4)))),
    Row({"type": "concat", "axis": "features"}, (IMAGE, FLAT, Shape()), changes={"axis": []}),
    Row({"type": "dot"}, (FLAT, FLAT)),
    Row({"type": "dot", "normalize": True}, (IMAGE, IMAGE)),
    Row(
        {"type": "formula", "is": "f * prev(c) + (1 - f) * tanh(g)"},
        (FLAT, FLAT, Shape()),
        changes={"is": ["f * prev(c) - g", "minimum(f, 0.1) / g + prev(c)"]},
    ),
    Row({"type": "formula", "is": "-maximum(image, sqrt(2) / 4) ** 2"}, (IMAGE,), changes={"is": ["image", "abs(image)"]}),
]
