"""The option `class_weights`: how much an example counts, by its class."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from nnrun.registry.field import Facts
from nnrun.registry.shape import Shape, ShapeError


def _validate(value: Any) -> str | tuple[float, ...] | None:
    if value is None or value == "balanced":
        return value  # type: ignore[no-any-return]
    if (
        isinstance(value, list | tuple)
        and value
        and all(isinstance(one, int | float) and not isinstance(one, bool) and 0 < one < float("inf") for one in value)
    ):
        return tuple(map(float, value))
    raise PydanticCustomError("wrong_type", "`balanced`, or a list with a number above 0 for each class")


ClassWeights = Annotated[
    Any,
    BeforeValidator(_validate),
    WithJsonSchema(
        {"anyOf": [{"const": "balanced"}, {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}, "minItems": 1}]}
    ),
]
"""`balanced`, a list of numbers, or None: all alike."""


def check_class_weights(weights: Any, target: Shape) -> None:
    """Raises: ShapeError if the target has no classes to count, or another number of them."""
    if weights == "balanced":
        if target.kind != "category":
            raise ShapeError(
                f"`class_weights: balanced` takes a category as target, not {target}",
                field="class_weights",
                help="a list gives each class its weight",
            )
    elif weights is not None:
        classes = 2 if target.kind == "number" else target.classes
        if isinstance(classes, int) and len(weights) != classes:
            raise ShapeError(f"`class_weights` takes {classes} numbers, one for each class, got {len(weights)}", field="class_weights")


def resolve_class_weights(weights: Any, facts: Facts) -> tuple[float, ...] | None:
    """One number for each class, or None. A class that the training part lacks counts as one that it has once."""
    if weights != "balanced":
        return weights  # type: ignore[no-any-return]
    counts = [max(count, 1) for count in facts["counts"]]
    return tuple(sum(facts["counts"]) / (len(counts) * count) for count in counts)
