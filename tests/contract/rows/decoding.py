"""Nodes that choose symbols. What their options do is seen when a network trains or generates: tests/engine/test_decode.py,
tests/engine/test_transcript.py."""

from nnrun.registry.shape import Shape
from tests.contract.node_rows import Row

ROWS = [
    Row({"type": "choice", "target": "word"}, (Shape(kind="token", classes=7),)),
    Row({"type": "transcript", "target": "word"}, (Shape(kind="token", classes=7),)),
]
