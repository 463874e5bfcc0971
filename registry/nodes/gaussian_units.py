"""Units that are real numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.group import Group
from nnrun.registry.options import Positive

if TYPE_CHECKING:
    from nnrun.registry.modules.groups import Group as Module


@register
class GaussianUnits(Group):
    """Units that are real numbers, with x^2 / (2 deviation^2) in the energy, joined with others by symmetric edges `<->`.

    With a `categorical_units` group they are the modern Hopfield net: one sweep from `initial` is softmax attention over the
    columns of the weights, with 1 / deviation^2 in the place of beta when a stored pattern x is the column x / deviation^2.

    Shape: any number of axes, flattened -> (N).
    Raises: InputError if symbols arrive, or another number of values than `units`.
    Source: Welling, Rosen-Zvi and Hinton 2005, Exponential family harmoniums; Ramsauer et al. 2021, Hopfield networks is all you need.
    """

    symbol = "a real number"
    lateral = False

    type: Literal["gaussian_units"]
    deviation: Positive = 1.0
    """Standard deviation of a unit whose field is fixed."""

    def module(self, size: int) -> Module:
        from nnrun.registry.modules.groups import Gaussian

        return Gaussian(size, bias=self.bias, deviation=self.deviation)
