"""How far predicted numbers are off."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.field import Facts
from nnrun.registry.metrics.regression import Error, Regression
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor

    from nnrun.registry.modules.meters import Meter


@register
class Mse(Error):
    """Mean of the squared differences, over examples and features.

    Shape: (*axes) against as many numbers.
    Raises: ShapeError if the input has not as many numbers as the target.
    """

    type: Literal["mse"]

    def build(self, input: Shape, target: Shape) -> Meter:
        import torch

        from nnrun.registry.modules.meters import Differences

        return Differences(torch.square)


@register
class Rmse(Error):
    """Root of the mean of the squared differences: an error in the unit of the target that minds large ones.

    Shape: (*axes) against as many numbers; the mean goes over examples and features, the root comes last.
    Raises: ShapeError if the input has not as many numbers as the target.
    """

    type: Literal["rmse"]

    def build(self, input: Shape, target: Shape) -> Meter:
        import torch

        from nnrun.registry.modules.meters import Differences, Then

        return Then(torch.sqrt, Differences(torch.square))


@register
class Mae(Error):
    """Mean of the absolute differences, over examples and features.

    Shape: (*axes) against as many numbers.
    Raises: ShapeError if the input has not as many numbers as the target.
    """

    type: Literal["mae"]

    def build(self, input: Shape, target: Shape) -> Meter:
        import torch

        from nnrun.registry.modules.meters import Differences

        return Differences(torch.abs)


@register
class MaxError(Error):
    """Largest absolute difference of all.

    Shape: (*axes) against as many numbers.
    Raises: ShapeError if the input has not as many numbers as the target.
    """

    type: Literal["max_error"]

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.meters import Largest

        return Largest()


@register
class Mape(Regression):
    """Mean of the absolute differences as a share of the target: 0.1 is 10 %.

    Always in the units of the data: a share of a normalised number means nothing. Targets near 0 make it huge; as in
    scikit-learn, one of 0 counts as 2.2e-16.

    Shape: (*axes) against as many numbers.
    Raises: ShapeError if the input has not as many numbers as the target.
    """

    type: Literal["mape"]
    higher_is_better: ClassVar[bool] = False

    def prepare(self, input: Tensor, target: Tensor, facts: Facts) -> tuple[Tensor, Tensor]:
        import torch

        from nnrun.registry.modules.units import natural

        x, y = (natural(values.reshape(target.shape).double(), facts).flatten() for values in (input, target))
        return (x - y).abs() / y.abs().clamp(min=torch.finfo(y.dtype).eps), torch.ones_like(y)

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.meters import Mean

        return Mean()
