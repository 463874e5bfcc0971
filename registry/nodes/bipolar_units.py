"""Units that are -1 or +1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.group import Group

if TYPE_CHECKING:
    from nnrun.registry.modules.groups import Group as Module


@register
class BipolarUnits(Group):
    """Units that are -1 or +1, joined with others by symmetric edges `<->`: the units of Hopfield nets and Ising models.

    Shape: any number of axes, flattened -> (N).
    Raises: InputError if symbols arrive, or another number of values than `units`.
    Source: Hopfield 1982, Neural networks and physical systems with emergent collective computational abilities; states -1/+1.
    """

    symbol = "-1 or +1"

    type: Literal["bipolar_units"]
    threshold: float | None = None
    """What clamps the units is +1 where it is larger than this, else -1. Where left out it is 0.5, which takes 0/1 and -1/+1 alike, and
    a training part with numbers outside -1 to 1 is refused."""

    def module(self, size: int) -> Module:
        from nnrun.registry.modules.groups import Bipolar

        return Bipolar(size, bias=self.bias, threshold=self.threshold)
