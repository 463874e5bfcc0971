"""Symbols as vectors of zeros with a one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import symbols
from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.shape import Shape, known

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
        from nnrun.registry.modules.dense import OneHot as Module

        return Module(known(symbols(x)))
