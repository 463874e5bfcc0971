"""What the metrics of numbers have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from nnrun.registry.comparison import check_numbers
from nnrun.registry.field import Facts
from nnrun.registry.objective import Metric
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor


class Regression(Metric):
    """Base of the metrics that compare numbers with numbers: (*axes), or (1) and a single number."""

    def check(self, input: Shape, target: Shape) -> None:
        check_numbers(input, target, self.target)

    def prepare(self, input: Tensor, target: Tensor, facts: Facts) -> tuple[Tensor, Tensor]:
        """Both as (M, N) in 64 bits, in the units that the network sees."""
        return input.reshape(len(target), -1).double(), target.reshape(len(target), -1).double()


class Error(Regression):
    """Base of the metrics that have a unit."""

    higher_is_better: ClassVar[bool] = False

    units: Literal["normalized", "original"] = "normalized"
    """Units of the figure: those the network and the loss see, or, where the target's field is normalised, those of the
    data before that."""

    def prepare(self, input: Tensor, target: Tensor, facts: Facts) -> tuple[Tensor, Tensor]:
        from nnrun.registry.modules.units import natural

        if self.units == "original":
            input, target = (natural(values.reshape(target.shape).double(), facts) for values in (input, target))
        x, y = super().prepare(input, target, facts)
        return x.flatten(), y.flatten()
