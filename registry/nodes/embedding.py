"""Vectors for symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import symbols
from nnrun.registry.catalog import register
from nnrun.registry.node import Trainable
from nnrun.registry.options import Units
from nnrun.registry.shape import Axis, Shape, known

if TYPE_CHECKING:
    from torch import nn


@register
class Embedding(Trainable):
    """Learn a vector for each symbol: a word, a character, a category.

    The same as a `linear` node without bias after `one_hot`, but the row is looked up instead of multiplied.

    Shape: a category or token -> (units).
    Raises: InputError if numbers arrive.
    Source: Bengio et al. 2003, A neural probabilistic language model, the matrix C of section 2.
    """

    batch = "any"
    multiplies = False

    type: Literal["embedding"]
    units: Units
    """Length of the vectors: a number, or the name of a field (as many as it has classes, or features)."""

    def shape(self, x: Shape) -> Shape:
        symbols(x)
        return Shape((self.units,))

    def outline(self, *inputs: Shape | None) -> Shape | None:
        return Shape((self.units,))

    def parameters(self, x: Shape) -> dict[str, tuple[Axis, ...]]:
        return {"weight": (symbols(x), self.units)}

    def build(self, x: Shape) -> nn.Module:
        from torch import nn

        from nnrun.registry.modules.init import initialize

        table = nn.Embedding(known(symbols(x)), known(self.units))
        initialize(table.weight, self.init)
        return table
