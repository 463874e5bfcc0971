"""Right and wrong, counted for each class."""

from __future__ import annotations

from typing import Literal

from nnrun.registry.catalog import register
from nnrun.registry.metrics.classification import Counting


@register
class Precision(Counting):
    """Of the examples said to be of a class, the share that is: true positives / (true + false positives), or 0 if none was.

    Shape: (K), a score for each class, against a category; one score against a category of two classes; scores (N)
    against as many zeros and ones.
    Raises: ShapeError if the scores are not as many as the classes.
    """

    type: Literal["precision"]


@register
class Recall(Counting):
    """Of the examples of a class, the share that was found: true positives / (true positives + false negatives).

    Shape: (K), a score for each class, against a category; one score against a category of two classes; scores (N)
    against as many zeros and ones.
    Raises: ShapeError if the scores are not as many as the classes.
    """

    type: Literal["recall"]


@register
class F1(Counting):
    """Harmonic mean of precision and recall: 2 true positives / (2 true positives + false positives + false negatives).

    Shape: (K), a score for each class, against a category; one score against a category of two classes; scores (N)
    against as many zeros and ones.
    Raises: ShapeError if the scores are not as many as the classes.
    Source: van Rijsbergen 1979, Information retrieval, chapter 7.
    """

    type: Literal["f1"]


@register
class Specificity(Counting):
    """Of the examples not of a class, the share not said to be: true negatives / (true negatives + false positives).

    Shape: (K), a score for each class, against a category; one score against a category of two classes; scores (N)
    against as many zeros and ones.
    Raises: ShapeError if the scores are not as many as the classes.
    """

    type: Literal["specificity"]
