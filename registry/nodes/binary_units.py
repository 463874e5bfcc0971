"""Units that are 0 or 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.group import Group

if TYPE_CHECKING:
    from nnrun.registry.modules.groups import Group as Module


@register
class BinaryUnits(Group):
    """Units that are 0 or 1, joined with others by symmetric edges `<->`: the units of Boltzmann machines.

    Clamped to numbers between 0 and 1, such as pixels, they hold these as probabilities.

    Shape: any number of axes, flattened -> (N).
    Raises: InputError if symbols arrive, or another number of values than `units`.
    Source: Ackley, Hinton and Sejnowski 1985, A learning algorithm for Boltzmann machines, equations 1 and 2.
    """

    symbol = "0 or 1"

    type: Literal["binary_units"]

    def module(self, size: int) -> Module:
        from nnrun.registry.modules.groups import Binary

        return Binary(size, bias=self.bias)
