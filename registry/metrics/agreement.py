"""Agreement of prediction and truth beyond chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.metrics.classification import Choosing
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from nnrun.registry.modules.meters import Meter


@register
class Matthews(Choosing):
    """Correlation of predicted and true classes, from -1 to 1; 0 is chance, whatever the frequencies of the classes.

    Shape: (K), a score for each class, against a category; one score against a category of two classes.
    Raises: ShapeError if the scores are not as many as the classes.
    Source: Matthews 1975 for two classes; Gorodkin 2004, Comparing two K-category assignments by a K-category
    correlation coefficient, for more.
    """

    type: Literal["matthews"]
    multilabel: ClassVar[bool] = False

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.counts import Confusion
        from nnrun.registry.modules.meters import Then
        from nnrun.registry.modules.statistics import matthews

        return Then(matthews, Confusion(self.classes(input, target)))


@register
class CohenKappa(Choosing):
    """Accuracy beyond what chance would give with the same frequencies: (accuracy - chance) / (1 - chance).

    Shape: (K), a score for each class, against a category; one score against a category of two classes.
    Raises: ShapeError if the scores are not as many as the classes.
    Source: Cohen 1960, A coefficient of agreement for nominal scales; Cohen 1968 for the weights.
    """

    type: Literal["cohen_kappa"]
    multilabel: ClassVar[bool] = False
    weights: Literal["none", "linear", "quadratic"] = "none"
    """What a mistake costs: always the same, or, where classes have an order, the distance of both classes or its square."""

    def build(self, input: Shape, target: Shape) -> Meter:
        from torchmetrics.classification import MulticlassCohenKappa

        from nnrun.registry.modules.library import Library

        return Library(MulticlassCohenKappa(self.classes(input, target), weights=self.weights, validate_args=False))
