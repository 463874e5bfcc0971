"""Symbols as vectors of zeros with a one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from registry.accept import symbols
from registry.catalog import register
from registry.node import Node
from registry.shape import Shape, known

if TYPE_CHECKING:
    from torch import nn


@register
class OneHot(Node):
    """Write a symbol as a vector of zeros with a one in its place.

    Shape: a category or token -> (N), with N the number of classes.
    Raises: InputError if numbers arrive.
    """

    batch = "any"

    type: Literal["one_hot"]

    def shape(self, x: Shape) -> Shape:
        return Shape((symbols(x),))

    def build(self, x: Shape) -> nn.Module:
        from registry.modules.dense import OneHot as Module

        return Module(known(symbols(x)))
