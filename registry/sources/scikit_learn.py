"""Small tables that scikit-learn ships: they train in seconds and need no download."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.digits.handwritten import digit_columns, handwritten
from nnrun.registry.data.reading import shipped
from nnrun.registry.data.tables import PackagedSource
from nnrun.registry.source import Column


class Measurements(PackagedSource):
    """A table of measurements and what is to be predicted from them.

    Each measurement is a column, and `features` holds all of them side by side.
    """

    measured: ClassVar[tuple[str, ...]]
    target: ClassVar[str]
    names: ClassVar[tuple[str, ...]] = ()
    """Classes of the target, in scikit-learn's order; none where it is a number."""

    def columns(self) -> Mapping[str, Column]:
        target = Column("category", {"classes": self.names}) if self.names else Column("number")
        features = Column("vector", {"size": len(self.measured)}, "all measurements side by side")
        return {"features": features, **{name: Column("number") for name in self.measured}, self.target: target}

    def table(self) -> Mapping[str, Any]:
        features, target = self.arrays()
        targets = [self.names[index] for index in target] if self.names else target
        return {"features": features, **dict(zip(self.measured, features.T, strict=True)), self.target: targets}

    def arrays(self) -> tuple[Any, Any]:
        """Measurements (n, N) and targets (n,)."""
        raise NotImplementedError(f"{type(self).__name__} has no arrays")


@register
class Iris(Measurements):
    """150 irises of three species, 50 of each, by the size of their leaves in cm. Sorted by class.

    Baselines: the commonest class 0.333; logistic regression 0.960 (5-fold cross-validation, standardised).
    Source: Fisher 1936, The use of multiple measurements in taxonomic problems; the copy in scikit-learn.
    """

    source: Literal["iris"]
    measured = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    target = "species"
    names = ("setosa", "versicolor", "virginica")

    def arrays(self) -> tuple[Any, Any]:
        table = shipped("iris.csv")
        return table[:, :-1], table[:, -1].astype(int)


@register
class Wine(Measurements):
    """178 wines of three growers, by 13 chemical measurements of very different size. Sorted by class.

    Baselines: the commonest class 0.399; logistic regression 0.983 (5-fold cross-validation, standardised).
    Source: Forina et al. 1988, PARVUS; the UCI copy in scikit-learn.
    """

    source: Literal["wine"]
    measured = (
        "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids", "nonflavanoid_phenols",
        "proanthocyanins", "color_intensity", "hue", "od280_od315", "proline",
    )  # fmt: skip
    target = "grower"
    names = ("first", "second", "third")

    def arrays(self) -> tuple[Any, Any]:
        table = shipped("wine_data.csv")
        return table[:, :-1], table[:, -1].astype(int)


@register
class BreastCancer(Measurements):
    """569 tumours, malignant or benign, by 30 measurements of their cells under a microscope.

    Baselines: the commoner class 0.627; logistic regression 0.979 (5-fold cross-validation, standardised).
    Source: Street, Wolberg & Mangasarian 1993, Nuclear feature extraction for breast tumor diagnosis; the UCI copy in
    scikit-learn.
    """

    source: Literal["breast_cancer"]
    measured = tuple(
        f"{statistic}_{feature}"
        for statistic in ("mean", "error", "worst")
        for feature in (
            "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave_points", "symmetry",
            "fractal_dimension",
        )
    )  # fmt: skip
    target = "diagnosis"
    names = ("malignant", "benign")

    def arrays(self) -> tuple[Any, Any]:
        table = shipped("breast_cancer.csv")
        return table[:, :-1], table[:, -1].astype(int)


@register
class Diabetes(Measurements):
    """442 patients by ten measurements in their own units, and a number that says how far the disease went in a year.

    Baselines: the mean misses by 77.0 (root of the mean square); linear regression by 54.6 (5-fold cross-validation).
    Source: Efron, Hastie, Johnstone & Tibshirani 2004, Least angle regression; the copy in scikit-learn.
    """

    source: Literal["diabetes"]
    measured = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
    target = "progression"

    def arrays(self) -> tuple[Any, Any]:
        return shipped("diabetes_data_raw.csv.gz", between=None), shipped("diabetes_target.csv.gz", between=None)


@register
class Digits(PackagedSource):
    """1,797 handwritten digits as grey images of 8 by 8 pixels, about 180 of each.

    Baselines: the commonest class 0.102; logistic regression 0.969 (5-fold cross-validation, standardised).
    Source: Alpaydin & Kaynak 1998, Optical recognition of handwritten digits; the UCI test part in scikit-learn.
    """

    source: Literal["digits"]

    def columns(self) -> Mapping[str, Column]:
        return digit_columns(about="pixels from 0 to 1")

    def table(self) -> Mapping[str, Any]:
        images, digits = handwritten()
        return {"image": images / 16, "digit": digits}
