"""How well scores put the examples of a class before the others, whatever the threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.field import Facts
from nnrun.registry.metrics.classification import Classification
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor

    from nnrun.registry.modules.meters import Meter


class Ranking(Classification):
    """Base of the metrics that rank the examples by the probability of each class against the rest."""

    ranker: ClassVar[str]
    """The torchmetrics function for one class."""

    average: Literal["macro", "weighted"] | None = None
    """How the figures of the classes become one. `macro`: their mean, all classes alike. `weighted`: their mean, by how
    often each occurs. Where left out: with two classes the figure of the second class alone, with more classes or many
    labels `macro`. A class that never occurs, or always does, cannot be ranked and stays out."""

    def prepare(self, input: Tensor, target: Tensor, facts: Facts) -> tuple[Tensor, Tensor]:
        from nnrun.registry.modules.scores import probabilities

        chances, target = probabilities(input, target, facts)
        if target.ndim == 1 and chances.shape[1] == 2 and self.average is None:
            return chances[:, 1:], target[:, None]
        return chances, target

    def build(self, input: Shape, target: Shape) -> Meter:
        from functools import partial

        from torchmetrics.functional import classification

        from nnrun.registry.modules.meters import Gathered
        from nnrun.registry.modules.statistics import each_against_rest

        score = partial(getattr(classification, self.ranker), validate_args=False)
        return Gathered(partial(each_against_rest, score, self.average or "macro"))


@register
class Auroc(Ranking):
    """Area under the ROC curve: the chance that an example of the class is put before one that is not. 0.5 is guessing.

    It does not change with the threshold or the frequency of the class, and is NaN where only one class occurs.

    Shape: (K), a score for each class, against a category; one score against a category of two classes; scores (N)
    against as many zeros and ones.
    Raises: ShapeError if the scores are not as many as the classes.
    Source: Hanley and McNeil 1982, The meaning and use of the area under a ROC curve.
    """

    type: Literal["auroc"]
    ranker: ClassVar[str] = "binary_auroc"


@register
class AveragePrecision(Ranking):
    """Area under the curve of precision over recall, as the sum of steps: better than `auroc` at showing rare classes.

    A guess gets the frequency of the class.

    Shape: (K), a score for each class, against a category; one score against a category of two classes; scores (N)
    against as many zeros and ones.
    Raises: ShapeError if the scores are not as many as the classes.
    Source: Davis and Goadrich 2006, The relationship between precision-recall and ROC curves.
    """

    type: Literal["average_precision"]
    ranker: ClassVar[str] = "binary_average_precision"
