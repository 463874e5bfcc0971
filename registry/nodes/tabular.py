"""Numbers and categories of a table joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import features, symbols
from nnrun.registry.catalog import register
from nnrun.registry.node import Trainable
from nnrun.registry.options import Count
from nnrun.registry.shape import Axis, InputError, Shape, ShapeError, known, total

if TYPE_CHECKING:
    from torch import nn

UNITS = 8
"""Features of a category where nothing is said."""

UNUSED = {"embedding": (), "one_hot": ("units", "init", "freeze", "share", "weights", "regularize")}
"""Options that a way with categories has no use for."""


@register
class Tabular(Trainable):
    """Join the columns of a table, in the order of the edges: numbers as they are, each category as features of its own.

    `numbers, city, colour -> row -> hidden` is short for an `embedding` or `one_hot` node for each category, and a `concat` node.

    Shape: numbers, (N0), (N1), …, categories -> (N0 + N1 + … + what each category gives). A number is one feature.
    Raises: InputError for an image; ShapeError if no category arrives, or an option does not go with `categories`.
    Source: Guo and Berkhahn 2016, Entity embeddings of categorical variables (`embedding`).
    """

    inputs = "many"
    batch = "any"
    multiplies = False

    type: Literal["tabular"]
    categories: Literal["embedding", "one_hot"] = "embedding"
    """What becomes of a category: `embedding`, a vector that is learned for each of its classes; `one_hot`, zeros with a one in its
    place."""
    units: Count | None = None
    """Length of the vectors of each category; 8 where left out."""

    def shape(self, *inputs: Shape) -> Shape:
        for option in UNUSED[self.categories]:
            if option in self.model_fields_set:
                raise ShapeError(f"`{option}` has no meaning with `categories: one_hot`", field=option, help=f"leave `{option}` out")
        if all(x.kind == "number" for x in inputs):
            raise ShapeError("`tabular` joins numbers with categories, and no category arrives", help="`concat` joins numbers")
        return Shape((total(self._size(x, position) for position, x in enumerate(inputs)),))

    def parameters(self, *inputs: Shape) -> dict[str, tuple[Axis, ...]]:
        if self.categories == "one_hot":
            return {}
        tables = [symbols(x) for x in inputs if x.kind != "number"]
        return {f"tables.{place}.weight": (classes, self._units) for place, classes in enumerate(tables)}

    def build(self, *inputs: Shape) -> nn.Module:
        from nnrun.registry.modules.init import initialize
        from nnrun.registry.modules.tabular import Tabular as Module

        classes = [None if x.kind == "number" else known(symbols(x)) for x in inputs]
        module = Module(classes, [not x.axes for x in inputs], None if self.categories == "one_hot" else self._units)
        for table in module.tables:
            initialize(table.weight, self.init)  # type: ignore[arg-type]
        return module

    @property
    def _units(self) -> int:
        return self.units or UNITS

    def _size(self, x: Shape, position: int) -> Axis:
        try:
            if x.kind == "number":
                return features(x, position)
            classes = symbols(x)
        except InputError as error:
            error.position = position
            raise
        return classes if self.categories == "one_hot" else self._units
