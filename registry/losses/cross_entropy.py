"""Cross entropy: the loss of choosing one of many."""

from __future__ import annotations

from math import exp, inf
from typing import TYPE_CHECKING, Literal

from nnrun.registry.algebra.activations import RANGES
from nnrun.registry.catalog import register
from nnrun.registry.comparison import check_class_scores
from nnrun.registry.field import Facts
from nnrun.registry.losses.class_weights import ClassWeights, check_class_weights, resolve_class_weights
from nnrun.registry.objective import TargetLoss
from nnrun.registry.options import Rate
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from torch import nn


@register
class CrossEntropy(TargetLoss):
    """Surprise at the right class: minus the log of the probability that the softmax of the scores gives it.

    The scores go in as they are; a `softmax` before this loss would be one too many.

    Shape: (K), a score for each class, against a category or token of K classes. More axes, as in (K, H, W) against
    H x W categories, are judged place by place.
    Raises: ShapeError if the scores are not as many as the classes, or if `class_weights` are not.
    Source: Bishop 2006, Pattern recognition and machine learning, equation 4.108.
    """

    logits = True

    type: Literal["cross_entropy"]
    label_smoothing: Rate = 0.0
    """Share of the target's probability that is spread evenly over all classes, against overconfidence (Szegedy et al. 2016,
    Rethinking the inception architecture, section 7)."""
    class_weights: ClassWeights = None
    """How much an example counts, by its class. `balanced`: all classes alike, however rare, which is
    examples / (classes * examples of the class) in the training part. A list: one number for each class, in the order of
    the field's classes. The loss is the weighted mean."""

    def check(self, input: Shape, target: Shape) -> None:
        check_class_scores(input, target, self.target)
        check_class_weights(self.class_weights, target)

    def missed(self, function: str, target: Shape) -> str | None:
        return never_sure(function, target)

    def build(self, input: Shape, target: Shape, facts: Facts) -> nn.Module:
        from nnrun.registry.modules import losses

        return losses.CrossEntropy(resolve_class_weights(self.class_weights, facts), self.label_smoothing)


def never_sure(function: str, target: Shape) -> str | None:
    """What a softmax can never say of scores that come out of this function."""
    low, high = RANGES.get(function, (-inf, inf))
    if high - low < inf:
        if not isinstance(target.classes, int):
            return f"scores from {low:g} to {high:g} never make the right class sure"
        most = exp(high - low) / (exp(high - low) + target.classes - 1)
        return f"with scores from {low:g} to {high:g} the right one of {target.classes} classes never gets more than {most:.2f}"
    return "every score below 0 becomes 0, and is not learned from" if function == "relu" else None
