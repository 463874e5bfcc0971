"""Gaps in columns of numbers: what takes the place of a value that is not there, learned from the training part."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from nnrun.registry.data.columns import check_rows
from nnrun.registry.field import DataError

if TYPE_CHECKING:
    import numpy as np

HOW = ("refuse", "mean", "median", "indicator", "skip")


def filling(*how: str) -> Any:
    """The type of an option that is one of these words, or a number."""

    def validate(value: Any) -> str | float:
        if isinstance(value, str) and value in how:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            return value
        raise PydanticCustomError("wrong_type", f"a number, or one of {', '.join(f'`{word}`' for word in how)}")

    schema = {"anyOf": [{"enum": list(how), "type": "string"}, {"type": "number"}]}
    return Annotated[Any, BeforeValidator(validate), WithJsonSchema(schema)]


Missing = filling(*HOW)


def fit_fill(pieces: Iterable[np.ndarray], missing: str | float) -> Any:
    """What takes the place of NaN in values (M, *axes), feature by feature, as a list or a number.

    Source: scikit-learn, SimpleImputer. Raises: DataError where a feature has no value at all.
    """
    import numpy as np

    if missing == "median":
        whole = np.concatenate([np.atleast_1d(piece) for piece in pieces])
        check_rows(whole)
        _check_known((~np.isnan(whole)).sum(axis=0))
        return np.nanmedian(whole, axis=0).tolist()
    total: Any = 0.0
    count: Any = 0
    for piece in pieces:
        check_rows(piece)
        total, count = total + np.nansum(piece, axis=0), count + (~np.isnan(piece)).sum(axis=0)
    if not isinstance(missing, str):
        return np.full(np.shape(count), float(missing)).tolist()
    _check_known(count)
    return (total / count).tolist()


def _check_known(count: Any) -> None:
    import numpy as np

    empty = np.flatnonzero(np.atleast_1d(count) == 0)
    if len(empty):
        place = f" in place {empty[0] + 1}" if np.ndim(count) else ""
        raise DataError(f"has no value at all{place} in the training part", "leave it out, or write what it is: `missing: 0`")


def filled(values: np.ndarray, fill: Any) -> np.ndarray:
    """Values (M, *axes) without NaN."""
    import numpy as np

    return np.where(np.isnan(values), np.asarray(fill), values)
