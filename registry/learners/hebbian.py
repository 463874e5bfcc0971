"""The rule of Hebb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.training import Storage

if TYPE_CHECKING:
    from torch import Tensor


@register
class Hebbian(Storage):
    """Couple units that are often alike: w_ij is the mean of x_i x_j over the patterns, all stored at once.

    Of N units about 0.138 N random patterns are remembered. A group of `gaussian_units` joined with `categorical_units` gets a slot
    for each pattern instead: a modern Hopfield net.

    Source: Hopfield 1982, Neural networks and physical systems with emergent collective computational abilities; Amit, Gutfreund and
    Sompolinsky 1985 (the number of patterns).
    """

    type: Literal["hebbian"]

    def store(self, patterns: Tensor) -> Tensor:
        from nnrun.registry.modules.storage import hebbian

        return hebbian(patterns)
