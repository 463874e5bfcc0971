"""Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import check_number
from nnrun.registry.algebra.arithmetic import Arithmetic
from nnrun.registry.algebra.formula import Read
from nnrun.registry.catalog import register
from nnrun.registry.node import Holding
from nnrun.registry.options import Rate
from nnrun.registry.shape import Axis, Shape

if TYPE_CHECKING:
    from torch import nn


@register
class Dropout(Holding):
    """While training, set entries to zero by chance, and scale up the others so that the mean stays.

    Shape: any numbers -> the same.
    Source: Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting, section 4.
    """

    batch = "any"

    type: Literal["dropout"]
    rate: Rate = 0.5
    """Chance of an entry to be dropped."""
    same: bool = False
    """Drop the same entries at every tick of a sequence. Source: Gal and Ghahramani 2016, A theoretically grounded application of
    dropout in recurrent neural networks."""

    def shape(self, x: Shape) -> Shape:
        check_number(x)
        return x

    @property
    def mask(self) -> Literal["tick", "sequence"]:
        return "sequence" if self.same else "tick"

    def kept(self, x: Shape) -> Axis:
        return x.size

    def arithmetic(self, x: Shape) -> Arithmetic:
        return Read(0)

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules.dropout import Dropout as Module

        return Module(self.rate, axes=len(x.axes), same=self.same)
