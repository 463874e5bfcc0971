"""Whether the probabilities behind the prediction are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.field import Facts
from nnrun.registry.metrics.classification import Classification
from nnrun.registry.options import Count
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor

    from nnrun.registry.modules.meters import Meter


@register
class LogLoss(Classification):
    """Mean of minus the log of the probability given to what was right, in nats: the cross entropy, without its options.

    Shape: (K), a score for each class, against a category or token; one score against a category of two classes; scores
    (N) against as many zeros and ones.
    Raises: ShapeError if the scores are not as many as the classes.
    Source: Good 1952, Rational decisions.
    """

    type: Literal["log_loss"]
    higher_is_better: ClassVar[bool] = False
    tokens: ClassVar[bool] = True

    def prepare(self, input: Tensor, target: Tensor, facts: Facts) -> tuple[Tensor, Tensor]:
        from nnrun.registry.modules.scores import surprise

        nats = surprise(input, target, facts)
        return nats, nats.new_ones(nats.shape)

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.meters import Mean

        return Mean()


@register
class CalibrationError(Classification):
    """Gap between how sure the network is and how often it is right, over groups of equally sure predictions.

    Predictions are put into groups by the probability of the class they choose; the gap of a group is the difference of
    its mean probability and its accuracy.

    Shape: (K), a score for each class, against a category; one score against a category of two classes.
    Raises: ShapeError if the scores are not as many as the classes.
    Source: Guo et al. 2017, On calibration of modern neural networks, equations 3 and 5.
    """

    type: Literal["calibration_error"]
    higher_is_better: ClassVar[bool] = False
    multilabel: ClassVar[bool] = False
    bins: Count = 15
    """How many groups of equal width there are between 0 and 1."""
    norm: Literal["l1", "l2", "max"] = "l1"
    """How the gaps of the groups become one: their mean, weighted by the size of the groups (expected calibration error),
    the root of the mean of their squares, or the largest (maximum calibration error)."""

    def prepare(self, input: Tensor, target: Tensor, facts: Facts) -> tuple[Tensor, Tensor]:
        from nnrun.registry.modules.scores import probabilities

        chances, target = probabilities(input, target, facts)
        # torchmetrics gives a probability of exactly 1 a group of its own; this is the next smaller one in 32 bits.
        return chances.clamp(max=1 - 2**-24), target

    def build(self, input: Shape, target: Shape) -> Meter:
        from torchmetrics.classification import MulticlassCalibrationError

        from nnrun.registry.modules.library import Library

        return Library(MulticlassCalibrationError(self.classes(input, target), n_bins=self.bins, norm=self.norm, validate_args=False))
