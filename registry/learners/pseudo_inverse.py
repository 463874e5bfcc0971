"""The projection rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.training import Storage

if TYPE_CHECKING:
    from torch import Tensor


@register
class PseudoInverse(Storage):
    """Project onto the space that the patterns span, so that each is a fixed point however alike they are.

    Source: Personnaz, Guyon and Dreyfus 1985, Information storage and retrieval in spin-glass like neural networks.
    """

    type: Literal["pseudo_inverse"]

    def store(self, patterns: Tensor) -> Tensor:
        from nnrun.registry.modules.storage import pseudo_inverse

        return pseudo_inverse(patterns)
