"""Vectors for symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BeforeValidator
from pydantic_core import PydanticKnownError

from nnrun.registry.accept import symbols
from nnrun.registry.catalog import register
from nnrun.registry.data.vectors.vectors import Vectors
from nnrun.registry.node import Trainable
from nnrun.registry.options import Init, Units
from nnrun.registry.shape import Axis, Shape, known

if TYPE_CHECKING:
    from torch import nn


def _start(value: Any) -> Init | Vectors:
    if isinstance(value, dict):
        return Vectors.model_validate(value)
    if isinstance(value, Vectors) or value in get_args(Init):
        return value  # type: ignore[no-any-return]
    raise PydanticKnownError("literal_error", {"expected": " or ".join(map(repr, get_args(Init)))})


@register
class Embedding(Trainable):
    """Learn a vector for each symbol: a word, a character, a category.

    With `init: {file: PATH}` each symbol of the field starts from the vector that another training found for it. The file is read when a
    training begins, and what is taken of it tells runs apart as data does; the trained network has no need of it.

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
    init: Annotated[Init | Vectors, BeforeValidator(_start)] = "xavier"  # type: ignore[assignment]
    """How the vectors start: by a scheme, or `{file: PATH}`, a file of vectors of tokens, words or classes, which
    `nnrun explain embedding.init` tells of."""

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
        initialize(table.weight, self.init.others if isinstance(self.init, Vectors) else self.init)
        return table
