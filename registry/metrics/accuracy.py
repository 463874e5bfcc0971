"""How often the prediction is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.field import Facts
from nnrun.registry.metrics.classification import Choosing, Classification
from nnrun.registry.options import Count
from nnrun.registry.shape import Shape, ShapeError

if TYPE_CHECKING:
    from torch import Tensor

    from nnrun.registry.modules.meters import Meter


@register
class Accuracy(Choosing):
    """Share of the examples whose best score is at the right class; of many labels, share of the labels.

    Shape: (K), a score for each class, against a category or token; one score against a category of two classes, with
    above 0 meaning the second; scores (N) against as many zeros and ones. (K, H, W) against H x W categories: share of the pixels.
    Raises: ShapeError if the scores are not as many as the classes.
    """

    type: Literal["accuracy"]
    tokens: ClassVar[bool] = True

    def prepare(self, input: Tensor, target: Tensor, facts: Facts) -> tuple[Tensor, Tensor]:
        prediction, target = super().prepare(input, target, facts)
        return _hits(prediction == target)

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.meters import Mean

        return Mean()


@register
class TopKAccuracy(Classification):
    """Share of the examples whose right class is among the `k` best scores.

    Shape: (K), a score for each class, against a category or token.
    Raises: ShapeError if the scores are not as many as the classes, or if there are no more than `k`.
    Source: Russakovsky et al. 2015, ImageNet large scale visual recognition challenge.
    """

    type: Literal["top_k_accuracy"]
    tokens: ClassVar[bool] = True
    multilabel: ClassVar[bool] = False
    k: Count = 5
    """How many guesses there are."""

    def check(self, input: Shape, target: Shape) -> None:
        super().check(input, target)
        if self.task(input, target) == "binary":
            raise ShapeError("one score for two classes has no ranking", field="type", help="`accuracy` judges it")
        classes = input.axes[0]
        if isinstance(classes, int) and classes <= self.k:
            raise ShapeError(
                f"the best {self.k} of {classes} classes always hold the right one", field="k", help="a smaller `k`, or `accuracy`"
            )

    def prepare(self, input: Tensor, target: Tensor, facts: Facts) -> tuple[Tensor, Tensor]:
        from nnrun.registry.modules.scores import flat

        scores, target = flat(input, target, facts)
        return _hits((scores.topk(self.k, 1).indices == target[:, None]).any(1))

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.meters import Mean

        return Mean()


@register
class BalancedAccuracy(Choosing):
    """Mean, over the classes that occur, of the share that was found: accuracy as if all classes were equally frequent.

    Shape: (K), a score for each class, against a category; one score against a category of two classes.
    Raises: ShapeError if the scores are not as many as the classes.
    Source: Brodersen et al. 2010, The balanced accuracy and its posterior distribution.
    """

    type: Literal["balanced_accuracy"]
    multilabel: ClassVar[bool] = False

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.counts import Confusion
        from nnrun.registry.modules.meters import Then
        from nnrun.registry.modules.statistics import mean_recall

        return Then(mean_recall, Confusion(self.classes(input, target)))


def _hits(right: Tensor) -> tuple[Tensor, Tensor]:
    import torch

    return right.double(), torch.ones_like(right, dtype=torch.float64)
