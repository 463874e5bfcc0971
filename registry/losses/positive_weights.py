"""The option `positive_weights`: how much a yes counts beside a no, label by label."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from nnrun.registry.field import DataError, Facts
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
    """Raises: ShapeError if the target has nothing to count, or another number of labels."""
    if weights == "balanced":
        if target.kind != "category" and len(target.axes) != 1:
            raise ShapeError(
                f"`positive_weights: balanced` takes a category or a vector of labels as target, not {target}",
                field="positive_weights",
                help="a number says how much a yes counts: examples without it / examples with it",
            )
    elif weights is not None and len(weights) > 1 and not same_axes(target.axes, (len(weights),)):
        what = f"`positive_weights` takes one number, or as many as the target has labels, got {len(weights)} for {target}"
        raise ShapeError(what, field="positive_weights")


def resolve_positive_weights(weights: Any, facts: Facts) -> tuple[float, ...]:
    """A number for all labels, or one for each. A class that the training part lacks counts as one that it has once.

    Raises: DataError if a vector holds other numbers than 0 and 1.
    """
    if weights != "balanced":
        return weights or (1.0,)
    if "counts" not in facts and "labels" not in facts:
        help = "a list of numbers gives each its weight"
        raise DataError("`positive_weights: balanced` counts zeros and ones, and the target holds other numbers", help).blaming(
            "train", "loss"
        )
    no, yes = facts["labels"] if "labels" in facts else [[count] for count in facts["counts"]]
    return tuple(max(without, 1) / max(having, 1) for without, having in zip(no, yes, strict=True))
