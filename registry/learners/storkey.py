"""The rule of Storkey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.training import Storage

if TYPE_CHECKING:
    from torch import Tensor


@register
class Storkey(Storage):
    """Hebb's rule less what the weights stored before say already: local, one pattern after the other, and of greater capacity.

    Source: Storkey 1997, Increasing the capacity of a Hopfield network without sacrificing functionality, equation 2.
    """

    type: Literal["storkey"]

    def store(self, patterns: Tensor) -> Tensor:
        from nnrun.registry.modules.storage import storkey

        return storkey(patterns)
