"""The tables of scikit-learn that are read without it, beside what it reads itself."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import datasets

from nnrun.registry.catalog import find
from nnrun.registry.data.digits.handwritten import handwritten


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_a_table_of_classes_is_the_librarys(name: str) -> None:
    source = find("source", name)
    assert source is not None
    features, target = source.model_validate({"source": name}).arrays()  # type: ignore[attr-defined]
    theirs, truth = getattr(datasets, f"load_{name}")(return_X_y=True)

    assert np.array_equal(features, theirs)
    assert np.array_equal(target, truth)
    assert target.dtype == truth.dtype


def test_the_table_of_numbers_is_the_librarys() -> None:
    source = find("source", "diabetes")
    assert source is not None
    features, target = source.model_validate({"source": "diabetes"}).arrays()  # type: ignore[attr-defined]
    theirs, truth = datasets.load_diabetes(return_X_y=True, scaled=False)

    assert np.array_equal(features, theirs)
    assert np.array_equal(target, truth)


def test_the_digits_are_the_librarys() -> None:
    images, digits = handwritten()

    assert np.array_equal(images, datasets.load_digits().images)
    assert np.array_equal(digits, datasets.load_digits().target)
