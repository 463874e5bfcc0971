"""Types of options that many components share. Each has one validator, so that a wrong value is one finding."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError, PydanticKnownError

from nnrun.registry.shape import Axis

LARGEST = 2**31 - 1
"""Bound of every whole number in a spec: sizes are multiplied as integers long before anything is allocated."""

NAME = r"^[a-z][a-z0-9_]*$"

FIGURE = r"^valid/[a-z][a-z0-9_]*$"

Figure = Annotated[str, Field(pattern=FIGURE)]
"""A figure of the validation part."""

Count = Annotated[int, Field(ge=1, le=LARGEST)]
"""A whole number, at least 1."""
Amount = Annotated[int, Field(ge=0, le=LARGEST)]
"""A whole number, at least 0."""
Rate = Annotated[float, Field(ge=0, lt=1)]
"""A share of something, below 1."""
Portion = Annotated[float, Field(gt=0, lt=1)]
"""A share of something, between 0 and 1 without both."""
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]

T = TypeVar("T")


def _some(value: tuple[T, ...]) -> tuple[T, ...]:
    # `Field(min_length=1)` counts only the entries that are right, so that a wrong one would be two findings
    if not value:
        raise PydanticKnownError("too_short", {"field_type": "Tuple", "min_length": 1, "actual_length": 0})
    return value


Many = Annotated[tuple[T, ...], Strict(False), AfterValidator(_some), Field(json_schema_extra={"minItems": 1})]
"""A YAML list with at least one entry."""


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LARGEST


def _units(value: Any) -> Axis:
    if _whole(value, 1) or (isinstance(value, str) and value.replace("_", "").replace(".", "").isalnum() and value[0].isalpha()):
        return value  # type: ignore[no-any-return]
    raise PydanticCustomError("wrong_type", "a whole number from 1, or the name of a field that has classes or a size")


def _per_axis(least: int) -> Any:
    def validate(value: Any) -> int | tuple[int, ...]:
        if _whole(value, least):
            return value  # type: ignore[no-any-return]
        if isinstance(value, list | tuple) and 1 <= len(value) <= 3 and all(_whole(side, least) for side in value):
            return tuple(value)
        raise PydanticCustomError("wrong_type", f"a whole number from {least}, or a list with one for each axis")

    return validate


def _padding(value: Any) -> str | int | tuple[int, ...]:
    if value in ("valid", "same"):
        return value  # type: ignore[no-any-return]
    try:
        return _per_axis(0)(value)  # type: ignore[no-any-return]
    except PydanticCustomError:
        raise PydanticCustomError("wrong_type", "`valid`, `same`, or a whole number from 0 (or a list with one for each axis)") from None


_AXIS_LIST = {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3}

Units = Annotated[
    Any,
    BeforeValidator(_units),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^[a-z][a-z0-9_.]*$"}]}),
]
"""How many units: a number, or the name of a field (as many as it has classes, or features)."""

Sides = Annotated[Any, BeforeValidator(_per_axis(1)), WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, _AXIS_LIST]})]
"""A length along each spatial axis; one number serves all of them."""

Padding = Annotated[
    Any, BeforeValidator(_padding), WithJsonSchema({"anyOf": [{"enum": ["valid", "same"]}, {"type": "integer", "minimum": 0}, _AXIS_LIST]})
]
"""`valid`: none. `same`: as much as keeps ceil(size / stride) positions; an odd column goes right and below, as in
TensorFlow and Keras. A number: so many zeros on each side."""

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
        return float(value)
    if isinstance(value, str) and (found := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([smh])", value)) and (number := float(found[1])) > 0:
        return number * UNITS[found[2]]
    raise PydanticCustomError("wrong_type", "a time above 0, such as `90s`, `5m` or `1h`, or a number of seconds")


Seconds = Annotated[
    Any,
    BeforeValidator(_seconds),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?[smh]$"}]}),
]
"""A time: `90s`, `5m`, `1h`, or a number of seconds."""

Init = Literal["xavier", "xavier_normal", "he", "he_normal", "orthogonal", "normal", "zeros"]
"""How weights start. Biases start at zero."""


class Regularize(BaseModel):
    """Penalties on the weights (not the biases), added to the loss: l1 * sum|w| + l2 * sum w^2."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)

    l1: NonNegative = 0.0
    """Strength of the sum of absolute values; drives weights to exactly zero."""
    l2: NonNegative = 0.0
    """Strength of the sum of squares; keeps weights small."""


def per_axis(value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    """One number for each axis. Raises: ValueError if a list has another length."""
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        raise ValueError(f"has {len(value)} numbers, but {axes} {'axis is' if axes == 1 else 'axes are'} spatial")
    return value
