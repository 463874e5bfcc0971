"""Focal loss: cross entropy that minds what is hard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.comparison import check_class_scores
from nnrun.registry.field import Facts
from nnrun.registry.losses.class_weights import ClassWeights, check_class_weights, resolve_class_weights
from nnrun.registry.objective import TargetLoss
from nnrun.registry.options import NonNegative
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from torch import nn


@register
class Focal(TargetLoss):
    """Cross entropy times (1 - p)^gamma, where p is the probability of the right class: examples that are right already count little.

    For classes of which one is so frequent that its easy examples would drown the others. The scores go in as they are.

    Shape: (K), a score for each class, against a category or token of K classes; more axes are judged place by place.
    Raises: ShapeError if the scores are not as many as the classes, or if `class_weights` are not.
    Source: Lin et al. 2017, Focal loss for dense object detection, equations 4 and 5.
    """

    logits = True

    type: Literal["focal"]
    gamma: NonNegative = 2.0
    """How much less an example counts that is right: 0 is cross entropy."""
    class_weights: ClassWeights = None
    """How much an example counts, by its class: the alpha of the source. `balanced`: all classes alike, however rare. A list: one number
    for each class, in the order of the field's classes. The loss is the weighted mean."""

    def check(self, input: Shape, target: Shape) -> None:
        check_class_scores(input, target, self.target)
        check_class_weights(self.class_weights, target)

    def build(self, input: Shape, target: Shape, facts: Facts) -> nn.Module:
        from nnrun.registry.modules import losses

        return losses.Focal(resolve_class_weights(self.class_weights, facts), self.gamma)
