"""Whether an output and a target can be compared: classes by scores, yes or no by one score, numbers by numbers.

Every function raises an InputError, of position 0 for the output and 1 for the target, that names a repair.
"""

from __future__ import annotations

from typing import Literal

from nnrun.registry.shape import Axis, InputError, Shape, may_equal, same_axes

Task = Literal["binary", "multiclass", "multilabel"]
"""`binary`: one score against two classes. `multiclass`: a score for each class. `multilabel`: many yes-or-no scores."""


def check_numbers(input: Shape, target: Shape, field: str | None) -> None:
    """Numbers against as many numbers. `field` is the target's name in the spec."""
    _check_kind(input, "numbers")
    if target.kind != "number":
        help = "the loss `cross_entropy` and the metric `accuracy` judge categories and tokens"
        raise InputError("numbers as its target", position=1, help=help)
    if not _paired(input, target):
        raise InputError(f"{_many('number', target)}, as its target has", help=_repair(target, field or target.size))


def check_class_scores(input: Shape, target: Shape, field: str | None) -> None:
    """A score for each class against one class."""
    _check_kind(input, "scores")
    if target.kind == "number":
        help = "`mse`, `mae` and `huber` judge numbers; if these stand for classes, the field is a `category`, of pixels a `mask`"
        raise InputError("a category or token as its target", position=1, help=help)
    if not _one_for_each_class(input, target):
        help = _repair(target, field or target.classes or "the target's name")
        if target.axes and same_axes(input.axes[1:], target.axes) and isinstance(target.classes, int):
            help = f"`filters: {target.classes}` in the `conv` that makes them gives as many"
        raise InputError(_wanted_for_each_class(target), help=help)


def check_yes_no_scores(input: Shape, target: Shape, field: str | None) -> None:
    """One score against one of two classes, or scores against as many zeros and ones."""
    _check_kind(input, "scores")
    if target.kind == "token" or not _may_be_two_classes(target):
        help = "write `type: cross_entropy`, which takes a score for each class of any number"
        if not _one_for_each_class(input, target):
            help = f"{help}, and `units: {field or target.classes}` in the node that makes the scores"
        raise InputError("a category of 2 classes, or zeros and ones, as its target", position=1, help=help)
    if not _paired(input, target):
        units = target.size if target.kind == "category" else field or target.size
        help = _repair(target, units)
        if target.kind == "category" and target.classes != 2 and not target.axes:
            help = f"write `type: cross_entropy`, which takes a score for each class; of two classes `units: {units}` would do as well"
        raise InputError(f"{_many('score', target)}, as its target has", help=help)


def task_of(input: Shape, target: Shape, field: str | None) -> Task:
    """How the scores are to be read."""
    if target.kind == "number":
        check_yes_no_scores(input, target, field)
        return "binary" if target.size == 1 else "multilabel"
    if target.kind == "category" and _may_be_two_classes(target) and input.kind == "number" and _paired(input, target):
        return "binary"
    check_class_scores(input, target, field)
    return "multiclass"


def _check_kind(input: Shape, noun: str) -> None:
    if input.kind != "number":
        raise InputError(noun, help="name the node that makes the scores, not the one that makes a symbol of them")


def _paired(input: Shape, target: Shape) -> bool:
    """One number for each of the target's; where the target is a single one, an axis of size 1 makes no difference."""
    return same_axes(input.axes, target.axes) or input.axes == (1, *target.axes) or (input.axes == () and target.axes == (1,))


def _one_for_each_class(input: Shape, target: Shape) -> bool:
    if len(input.axes) != len(target.axes) + 1 or not same_axes(input.axes[1:], target.axes):
        return False
    return target.classes is None or may_equal(input.axes[0], target.classes)


def _may_be_two_classes(target: Shape) -> bool:
    return target.classes is None or may_equal(target.classes, 2)


def _many(noun: str, shape: Shape) -> str:
    if len(shape.axes) > 1:
        return f"{noun}s of the axes {Shape(shape.axes)}"
    return f"1 {noun}" if shape.size == 1 else f"{shape.size} {noun}s"


def _wanted_for_each_class(target: Shape) -> str:
    if target.axes:
        return f"scores of the axes {Shape((target.classes or 'classes', *target.axes))}"
    if isinstance(target.classes, int):
        return f"{target.classes} scores, one for each class"
    return f"one score for each class of `{target.classes}`" if target.classes else "one score for each class"


def _repair(target: Shape, units: Axis) -> str:
    if target.axes[1:] or (target.axes and target.kind != "number"):
        return "the node that makes them has to give these axes; `reshape` does where the sizes agree"
    return f"`units: {units}` in the node that makes them gives as many"
