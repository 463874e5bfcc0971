"""What may be compared, and what is said where it may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nnrun.registry.comparison import check_class_scores, check_numbers, check_yes_no_scores, task_of
from nnrun.registry.shape import InputError, Shape

AXES = "the node that makes them has to give these axes; `reshape` does where the sizes agree"
NUMBERS = "`mse`, `mae` and `huber` judge numbers; if these stand for classes, the field is a `category`, of pixels a `mask`"

Check = Callable[[Shape, Shape, str | None], object]

TEN = Shape(kind="category", classes=10)
TWO = Shape(kind="category", classes=2)
OPEN = Shape(kind="category", classes="label")
WORD = Shape(kind="token", classes=8000)
NUMBER = Shape()


@pytest.mark.parametrize(
    ("input", "target", "task"),
    [
        (Shape((10,)), TEN, "multiclass"),
        (Shape(("label",)), OPEN, "multiclass"),
        (Shape((10,)), OPEN, "multiclass"),
        (Shape((8000,)), WORD, "multiclass"),
        (Shape((2,)), TWO, "multiclass"),
        (Shape((10, 28, 28)), Shape((28, 28), "category", 10), "multiclass"),
        (Shape((1,)), TWO, "binary"),
        (Shape(), TWO, "binary"),
        (Shape((1,)), OPEN, "binary"),
        (Shape((1, 28, 28)), Shape((28, 28), "category", 2), "binary"),
        (Shape((1,)), NUMBER, "binary"),
        (Shape(), Shape((1,)), "binary"),
        (Shape((5,)), Shape((5,)), "multilabel"),
        (Shape((5,)), Shape(("tags",)), "multilabel"),
    ],
)
def test_scores_are_read_by_what_they_are_compared_with(input: Shape, target: Shape, task: str) -> None:
    assert task_of(input, target, "label") == task


@pytest.mark.parametrize(
    ("check", "input", "target", "position", "message", "help"),
    [
        (
            check_class_scores, Shape((5,)), TEN, 0,
            "takes 10 scores, one for each class", "`units: label` in the node that makes them gives as many",
        ),
        (
            check_class_scores, Shape(), OPEN, 0,
            "takes one score for each class of `label`", "`units: label` in the node that makes them gives as many",
        ),
        (
            check_class_scores, Shape((10, 7, 7)), Shape((28, 28), "category", 10), 0,
            "takes scores of the axes (C=10, H=28, W=28)", AXES,
        ),
        (
            check_class_scores, Shape((8, 28, 28)), Shape((28, 28), "category", 10), 0,
            "takes scores of the axes (C=10, H=28, W=28)", "`filters: 10` in the `conv` that makes them gives as many",
        ),
        (
            check_class_scores, Shape((10,)), NUMBER, 1,
            "takes a category or token as its target", NUMBERS,
        ),
        (
            check_class_scores, TEN, TEN, 0,
            "takes scores", "name the node that makes the scores, not the one that makes a symbol of them",
        ),
        (
            check_yes_no_scores, Shape((10,)), TEN, 1,
            "takes a category of 2 classes, or zeros and ones, as its target",
            "write `type: cross_entropy`, which takes a score for each class of any number",
        ),
        (
            check_yes_no_scores, Shape((2,)), TWO, 0,
            "takes 1 score, as its target has", "`units: 1` in the node that makes them gives as many",
        ),
        (
            check_yes_no_scores, Shape((4,)), Shape((5,)), 0,
            "takes 5 scores, as its target has", "`units: label` in the node that makes them gives as many",
        ),
        (
            check_numbers, Shape((2,)), NUMBER, 0,
            "takes 1 number, as its target has", "`units: label` in the node that makes them gives as many",
        ),
        (
            check_numbers, Shape((784,)), Shape((1, 28, 28)), 0,
            "takes numbers of the axes (C=1, H=28, W=28), as its target has",
            AXES,
        ),
        (
            check_numbers, Shape((10,)), TEN, 1,
            "takes numbers as its target", "the loss `cross_entropy` and the metric `accuracy` judge categories and tokens",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_a_repair(
    check: Check, input: Shape, target: Shape, position: int, message: str, help: str
) -> None:
    with pytest.raises(InputError) as error:
        check(input, target, "label")

    assert (error.value.position, error.value.message, error.value.help) == (position, message, help)


@pytest.mark.parametrize(
    ("target", "help"),
    [(TEN, "`units: 10` in the node that makes them gives as many"), (Shape((5,)), "`units: 5` in the node that makes them gives as many")],
)
def test_repair_gives_the_size_where_the_target_has_no_name(target: Shape, help: str) -> None:
    with pytest.raises(InputError) as error:
        task_of(Shape((7,)), target, None)

    assert error.value.help == help
