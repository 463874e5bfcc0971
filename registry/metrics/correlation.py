"""How well predicted numbers follow the target. None of these figures changes with the units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.metrics.regression import Regression
from nnrun.registry.shape import Shape, known

if TYPE_CHECKING:
    from nnrun.registry.modules.meters import Meter


@register
class R2(Regression):
    """Share of the target's variance that is explained. 1 is perfect, 0 as good as always saying the mean, below 0 worse.

    Shape: (*axes) against as many numbers; computed for each feature, then the mean of all.
    Raises: ShapeError if the input has not as many numbers as the target.
    Source: Draper and Smith 1998, Applied regression analysis.
    """

    type: Literal["r2"]

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.meters import Moments
        from nnrun.registry.modules.statistics import r2

        return Moments(r2, known(target.size))


@register
class ExplainedVariance(Regression):
    """As `r2`, but a constant error costs nothing: 1 - variance of the error / variance of the target.

    Shape: (*axes) against as many numbers; computed for each feature, then the mean of all.
    Raises: ShapeError if the input has not as many numbers as the target.
    """

    type: Literal["explained_variance"]

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.meters import Moments
        from nnrun.registry.modules.statistics import explained_variance

        return Moments(explained_variance, known(target.size))


@register
class Pearson(Regression):
    """Correlation of prediction and target, from -1 to 1: whether they lie on a rising line, whichever.

    NaN where one of both never changes.

    Shape: (*axes) against as many numbers; computed for each feature, then the mean of all.
    Raises: ShapeError if the input has not as many numbers as the target.
    Source: Pearson 1895, Note on regression and inheritance in the case of two parents.
    """

    type: Literal["pearson"]

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.meters import Moments
        from nnrun.registry.modules.statistics import pearson

        return Moments(pearson, known(target.size))


@register
class Spearman(Regression):
    """Correlation of the ranks of prediction and target: whether both rise together, straight or not.

    NaN where one of both never changes; equal values share their mean rank.

    Shape: (*axes) against as many numbers; computed for each feature, then the mean of all.
    Raises: ShapeError if the input has not as many numbers as the target.
    Source: Spearman 1904, The proof and measurement of association between two things.
    """

    type: Literal["spearman"]

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.meters import Gathered
        from nnrun.registry.modules.statistics import spearman

        return Gathered(spearman)
