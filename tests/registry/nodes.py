"""Nodes, as a spec writes them."""

from __future__ import annotations

from typing import Any

from nnrun.registry.catalog import find
from nnrun.registry.node import Node


def node(type: str, **options: Any) -> Node:
    cls = find("node", type)
    assert cls is not None
    made = cls.model_validate({"type": type, **options})
    assert isinstance(made, Node)
    return made
