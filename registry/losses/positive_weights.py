"""The option `positive_weights`: how much a yes counts beside a no, label by label."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from nnrun.registry.field import Facts
from nnrun.registry.shape import Shape, ShapeError, same_axes


def _validate(value: Any) -> str | tuple[float, ...] | None:
    if value is None or value == "balanced":
        return value  # type: ignore[no-any-return]
    many = value if isinstance(value, list | tuple) else (value,)
    if many and all(isinstance(one, int | float) and not isinstance(one, bool) and 0 < one < float("inf") for one in many):
        return tuple(map(float, many))
    raise PydanticCustomError("wrong_type", "`balanced`, a number above 0, or a list with one for each label")


PositiveWeights = Annotated[
    Any,
    BeforeValidator(_validate),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "balanced"},
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}, "minItems": 1},
            ]
        }
    ),
]
"""`balanced`, a number for all labels or one for each, or None: a yes counts as a no."""


def check_positive_weights(weights: Any, target: Shape) -> None:
    """Raises: ShapeError if the target has no classes to count, or another number of labels."""
    if weights == "balanced":
        if target.kind != "category":
            raise ShapeError(
                f"`positive_weights: balanced` takes a category as target, not {target}",
                field="positive_weights",
                help="a list gives each label its weight: examples without it / examples with it",
            )
    elif weights is not None and len(weights) > 1 and not same_axes(target.axes, (len(weights),)):
        what = f"`positive_weights` takes one number, or as many as the target has labels, got {len(weights)} for {target}"
        raise ShapeError(what, field="positive_weights")


def resolve_positive_weights(weights: Any, facts: Facts) -> tuple[float, ...]:
    """A number for all labels, or one for each. A class that the training part lacks counts as one that it has once."""
    if weights != "balanced":
        return weights or (1.0,)
    no, yes = (max(count, 1) for count in facts["counts"])
    return (no / yes,)
