"""How well areas of classes lie upon each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.metrics.classification import Choosing
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from nnrun.registry.modules.meters import Meter


@register
class MeanIoU(Choosing):
    """Intersection over union of the true and the predicted places of a class, mean over the classes: the figure of segmentation.

    Counted over all pixels of all examples together: true positives / (true positives + false positives + false negatives). Classes
    that neither occur nor were named stay out. Of two classes too it is the mean of both.

    Shape: (K, H, W), a score for each class, against H x W categories; (K) against a category; one score for each place of two classes.
    Raises: ShapeError if the scores are not as many as the classes.
    Source: Jaccard 1901, Étude comparative de la distribution florale; Long, Shelhamer and Darrell 2015, Fully convolutional networks for
    semantic segmentation, section 5.
    """

    type: Literal["mean_iou"]
    multilabel: ClassVar[bool] = False

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules import counts

        return counts.PerClass(counts.iou, self.classes(input, target), "macro")
