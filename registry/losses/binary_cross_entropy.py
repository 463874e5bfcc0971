"""Binary cross entropy: the loss of yes or no."""

from __future__ import annotations

from math import exp, inf
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from nnrun.registry.algebra.activations import RANGES
from nnrun.registry.catalog import register
from nnrun.registry.comparison import check_yes_no_scores
from nnrun.registry.field import Facts
from nnrun.registry.losses.class_weights import ClassWeights, check_class_weights, resolve_class_weights
from nnrun.registry.losses.positive_weights import PositiveWeights, check_positive_weights, resolve_positive_weights
from nnrun.registry.objective import TargetLoss
from nnrun.registry.options import Rate
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from torch import nn


@register
class BinaryCrossEntropy(TargetLoss):
    """Surprise at a yes or a no: minus the log of the probability that the sigmoid of the score gives it.

    Equal to `cross_entropy` of two classes with the scores 0 and the input. The scores go in as they are; a `sigmoid`
    before this loss would be one too many. A normalised target is taken back to the units of the data first.

    Shape: one score against a category of two classes, of which the second is yes; or scores (*axes) against as many
    numbers from 0 to 1, each judged for itself: labels that may hold together, or the pixels of an image.
    Raises: ShapeError if the scores are not as many as the target's numbers, or if the target has more classes than two;
    DataError if a number of the target is below 0 or above 1.
    Source: Bishop 2006, Pattern recognition and machine learning, equation 4.90.
    """

    logits = True

    type: Literal["binary_cross_entropy"]
    label_smoothing: Rate = 0.0
    """Share of the target's probability that is spread evenly over yes and no, against overconfidence (Szegedy et al. 2016,
    Rethinking the inception architecture, section 7)."""
    class_weights: ClassWeights = None
    """How much a no and a yes count, as a list of two numbers. `balanced`: both alike, however rare, which is
    examples / (2 * examples of the class) in the training part; it takes a category. The loss is the weighted mean."""
    positive_weights: PositiveWeights = None
    """How much a yes counts beside a no: a number, or a list with one for each label. `balanced`: as often as there is a no for a yes in
    the training part, label by label. The loss is the mean over all labels, whatever their weights, as with torch's `pos_weight`."""

    @model_validator(mode="after")
    def _one_way(self) -> BinaryCrossEntropy:
        if self.class_weights is not None and self.positive_weights is not None:
            given = {"given": "both", "option": "positive_weights"}
            raise PydanticCustomError("conflict", "either `class_weights` or `positive_weights`", given)
        return self

    def check(self, input: Shape, target: Shape) -> None:
        check_yes_no_scores(input, target, self.target)
        check_class_weights(self.class_weights, target)
        check_positive_weights(self.positive_weights, target)

    def missed(self, function: str, target: Shape) -> str | None:
        low, high = (1 / (1 + exp(-score)) for score in RANGES.get(function, (-inf, inf)))
        return f"with such scores the probability of yes lies between {low:.2f} and {high:.2f}" if (low, high) != (0, 1) else None

    def build(self, input: Shape, target: Shape, facts: Facts) -> nn.Module:
        from nnrun.registry.modules import losses

        by_class = resolve_class_weights(self.class_weights, facts)
        by_label = resolve_positive_weights(self.positive_weights, facts)
        return losses.BinaryCrossEntropy(by_class, by_label, self.label_smoothing, facts)
