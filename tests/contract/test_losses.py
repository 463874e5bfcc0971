"""Laws of the losses that judge tick by tick; those of whole sequences are in `test_whole_losses.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from sklearn.metrics import mean_pinball_loss
from torch import Tensor

from nnrun.registry.catalog import all_of, find
from nnrun.registry.field import DataError
from nnrun.registry.modules.losses import Weighted, portions_or_nan
from nnrun.registry.objective import Loss, TargetLoss
from nnrun.registry.shape import Shape, ShapeError

torch.set_num_threads(1)

Array = NDArray[Any]
Sums = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """A loss in a place, and what it should be, calculated by hand. Every type needs one row at least."""

    config: Mapping[str, Any]
    input: Shape
    target: Shape
    expected: Callable[[Array, Array], Sums]
    """(sum of losses, sum of weights) of arrays (M, *axes)."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Another value of an option, which must change the loss; every option needs one, in some row of its type."""

    def __str__(self) -> str:
        return f"{self.config} of {self.input} and {self.target}"


def log_softmax(scores: Array) -> Array:
    return np.asarray(scores - np.log(np.exp(scores).sum(1, keepdims=True)))


def of_classes(scores: Array, target: Array, weights: Array | None = None, smoothing: float = 0.0) -> Sums:
    """Cross entropy, straight from its definition: minus the sum over classes of weight * wanted * log probability."""
    classes = scores.shape[1]
    weights = np.ones(classes) if weights is None else weights
    wanted = np.eye(classes)[target] * (1 - smoothing) + smoothing / classes
    return float(-(weights * wanted * log_softmax(scores)).sum()), float(weights[target].sum())


def of_hard(gamma: float, weights: Array | None = None) -> Callable[[Array, Array], Sums]:
    """Focal loss, straight from its definition."""

    def loss(scores: Array, target: Array) -> Sums:
        known = np.ones(scores.shape[1]) if weights is None else weights
        logs = np.take_along_axis(log_softmax(scores), target[:, None], 1)[:, 0]
        return float(-(known[target] * (1 - np.exp(logs)) ** gamma * logs).sum()), float(known[target].sum())

    return loss


def of_pixels(scores: Array, target: Array) -> Sums:
    """Scores (M, K, H, W), place by place."""
    return of_classes(np.moveaxis(scores, 1, -1).reshape(-1, scores.shape[1]), target.reshape(-1))


def of_yes_no(scores: Array, target: Array, weights: Array | None = None, smoothing: float = 0.0) -> Sums:
    """Cross entropy of two classes, of which the first has the score 0."""
    flat = scores.reshape(-1)
    return of_classes(np.stack([0 * flat, flat], 1), target.reshape(-1).astype(int), weights, smoothing)


def of_labels(*weights: float, smoothing: float = 0.0) -> Callable[[Array, Array], Sums]:
    """torch's loss with its `pos_weight`, summed."""

    def loss(scores: Array, target: Array) -> Sums:
        aim = torch.from_numpy(target).double() * (1 - smoothing) + smoothing / 2
        wanted = torch.nn.functional.binary_cross_entropy_with_logits
        total = wanted(
            torch.from_numpy(scores).reshape(aim.shape), aim, pos_weight=torch.tensor(weights, dtype=torch.float64), reduction="sum"
        )
        return total.item(), float(target.size)

    return loss


def mean_of(loss: Callable[[Array], Array]) -> Callable[[Array, Array], Sums]:
    return lambda x, y: (float(loss(x.reshape(y.shape) - y).sum()), float(y.size))


def huber(delta: float) -> Callable[[Array], Array]:
    return lambda d: np.where(np.abs(d) <= delta, d**2 / 2, delta * (np.abs(d) - delta / 2))


THREE = Shape(kind="category", classes=3)
TWO = Shape(kind="category", classes=2)
COUNTS = {"classes": ["a", "b", "c"], "counts": [60, 30, 10]}
# scikit-learn: "n_samples / (n_classes * np.bincount(y))"
BALANCED = np.array([100 / 180, 100 / 90, 100 / 30])
ONE = Shape()
FLAT = Shape((4,))

ROWS = [
    Row({"type": "cross_entropy"}, Shape((3,)), THREE, of_classes, COUNTS, {"label_smoothing": 0.1, "class_weights": [1.0, 2.0, 3.0]}),
    Row({"type": "cross_entropy"}, Shape((7,)), Shape(kind="token", classes=7), of_classes),
    Row({"type": "cross_entropy"}, Shape((3, 4, 5)), Shape((4, 5), "category", 3), of_pixels),
    Row({"type": "cross_entropy", "label_smoothing": 0.1}, Shape((3,)), THREE, lambda x, y: of_classes(x, y, smoothing=0.1)),
    Row({"type": "cross_entropy", "class_weights": [1, 2, 3]}, Shape((3,)), THREE, lambda x, y: of_classes(x, y, np.array([1, 2, 3]))),
    Row({"type": "cross_entropy", "class_weights": "balanced"}, Shape((3,)), THREE, lambda x, y: of_classes(x, y, BALANCED), COUNTS),
    Row(
        {"type": "cross_entropy", "class_weights": [1, 2, 3], "label_smoothing": 0.2},
        Shape((3,)),
        THREE,
        lambda x, y: of_classes(x, y, np.array([1, 2, 3]), 0.2),
    ),
    Row(
        {"type": "binary_cross_entropy"},
        ONE,
        TWO,
        of_yes_no,
        {"counts": [9, 1]},
        {"label_smoothing": 0.1, "class_weights": "balanced", "positive_weights": 3.0},
    ),
    Row({"type": "binary_cross_entropy"}, Shape((1,)), TWO, of_yes_no),
    Row({"type": "binary_cross_entropy"}, Shape((1,)), ONE, of_yes_no),
    Row({"type": "binary_cross_entropy"}, FLAT, FLAT, of_yes_no),
    Row({"type": "binary_cross_entropy"}, Shape((1, 2, 2)), Shape((2, 2), "category", 2), of_yes_no),
    Row(
        {"type": "binary_cross_entropy", "class_weights": [1, 3], "label_smoothing": 0.2},
        ONE,
        TWO,
        lambda x, y: of_yes_no(x, y, np.array([1, 3]), 0.2),
    ),
    Row(
        {"type": "binary_cross_entropy", "class_weights": "balanced"},
        ONE,
        TWO,
        lambda x, y: of_yes_no(x, y, np.array([10 / 18, 5])),
        {"counts": [9, 1]},
    ),
    Row({"type": "binary_cross_entropy", "positive_weights": [1.0, 2.0, 0.5, 7.0]}, FLAT, FLAT, of_labels(1.0, 2.0, 0.5, 7.0)),
    Row({"type": "binary_cross_entropy", "positive_weights": 3, "label_smoothing": 0.2}, FLAT, FLAT, of_labels(3.0, smoothing=0.2)),
    Row({"type": "binary_cross_entropy", "positive_weights": "balanced"}, ONE, TWO, of_labels(9.0), {"counts": [9, 1]}),
    Row(
        {"type": "binary_cross_entropy", "positive_weights": "balanced"},
        FLAT,
        FLAT,
        of_labels(9.0, 4.0, 0.25, 10.0),
        {"labels": [[9, 8, 2, 10], [1, 2, 8, 0]]},
    ),
    Row({"type": "focal"}, Shape((3,)), THREE, of_hard(2.0), COUNTS, {"gamma": 0.5, "class_weights": "balanced"}),
    Row({"type": "focal", "gamma": 0}, Shape((3,)), THREE, of_classes),
    Row({"type": "focal", "gamma": 1.5, "class_weights": [1, 2, 3]}, Shape((3,)), THREE, of_hard(1.5, np.array([1, 2, 3]))),
    Row({"type": "quantile"}, FLAT, FLAT, mean_of(lambda d: np.abs(d) / 2), changes={"q": 0.2}),
    Row({"type": "quantile", "q": 0.9}, Shape((1,)), ONE, mean_of(lambda d: np.where(d > 0, 0.1 * d, -0.9 * d))),
    Row({"type": "minimise"}, FLAT, FLAT, lambda x, y: (float(x.sum()), float(len(x)))),
    Row({"type": "minimise"}, ONE, ONE, lambda x, y: (float(x.sum()), float(len(x)))),
    Row({"type": "mse"}, Shape((1,)), ONE, mean_of(np.square)),
    Row({"type": "mse"}, Shape((1, 4, 4)), Shape((1, 4, 4)), mean_of(np.square)),
    Row({"type": "mae"}, FLAT, FLAT, mean_of(np.abs)),
    Row({"type": "mae"}, ONE, Shape((1,)), mean_of(np.abs)),
    Row({"type": "huber"}, FLAT, FLAT, mean_of(huber(1.0)), changes={"delta": 0.5}),
    Row({"type": "huber", "delta": 0.3}, FLAT, FLAT, mean_of(huber(0.3))),
]
each_row = pytest.mark.parametrize("row", ROWS, ids=str)


def ends(type: str) -> dict[str, str]:
    """What a loss of this type compares."""
    cls = find("loss", type)
    assert cls is not None
    return {"input": "out", "target": "label"} if issubclass(cls, TargetLoss) else {"input": "out"}


def make(config: Mapping[str, Any]) -> Loss:
    cls = find("loss", config["type"])
    assert cls is not None
    loss = cls.model_validate({**ends(config["type"]), **config})
    assert isinstance(loss, Loss)
    return loss


def pairs(row: Row, count: int = 12) -> tuple[Tensor, Tensor]:
    """Random outputs and targets (M, *axes), in 64 bits."""
    torch.manual_seed(1)
    input = 2 * torch.randn(count, *row.input.axes, dtype=torch.float64)  # type: ignore[arg-type]
    if row.target.kind != "number":
        assert isinstance(row.target.classes, int)
        return input, torch.randint(row.target.classes, (count, *row.target.axes))  # type: ignore[arg-type]
    target = 2 * torch.randn(count, *row.target.axes, dtype=torch.float64)  # type: ignore[arg-type]
    return input, (target > 0).double() if row.config["type"] == "binary_cross_entropy" else target


def sums(row: Row, input: Tensor, target: Tensor, **changes: Any) -> tuple[Tensor, Tensor]:
    module = make({**row.config, **changes}).build(row.input, row.target, row.facts)
    total, weight = module(input, target)
    assert total.shape == weight.shape == ()
    return total, weight


def test_every_loss_has_a_row() -> None:
    assert {row.config["type"] for row in ROWS} == {name for name, cls in all_of("loss").items() if not getattr(cls, "whole", False)}


@each_row
def test_loss_is_what_a_calculation_by_hand_gives(row: Row) -> None:
    input, target = pairs(row)

    total, weight = sums(row, input, target)

    assert (total.item(), weight.item()) == pytest.approx(row.expected(input.numpy(), target.numpy()), rel=1e-6)


@each_row
def test_loss_accepts_the_shapes_of_its_row(row: Row) -> None:
    make(row.config).check(row.input, row.target)


@each_row
def test_gradient_is_that_of_finite_differences(row: Row) -> None:
    input, target = pairs(row, count=3)

    assert torch.autograd.gradcheck(lambda x: sums(row, x, target)[0], input.requires_grad_())


@each_row
def test_sums_of_batches_are_those_of_the_whole(row: Row) -> None:
    input, target = pairs(row)

    parts = [sums(row, input[half], target[half]) for half in (slice(5), slice(5, None))]

    for whole, of_parts in zip(sums(row, input, target), zip(*parts, strict=True), strict=True):
        assert whole.item() == pytest.approx(sum(part.item() for part in of_parts))


@each_row
def test_the_losses_of_each_example_add_up_to_the_sums(row: Row) -> None:
    input, target = pairs(row)
    module: Any = make(row.config).build(row.input, row.target, row.facts)

    each = module.each(input, target)

    for place in range(len(target)):
        alone = sums(row, input[place : place + 1], target[place : place + 1])
        assert [one[place].item() for one in each] == pytest.approx([one.item() for one in alone])


@each_row
def test_the_target_alone_tells_what_each_example_counts(row: Row) -> None:
    input, target = pairs(row)
    module: Any = make(row.config).build(row.input, row.target, row.facts)

    torch.testing.assert_close(module.weights(target), module.each(input, target)[1], check_dtype=False)
    torch.testing.assert_close(module.weights(target).sum(), module.weight(target), check_dtype=False)


@each_row
def test_a_weight_counts_an_example_so_many_times(row: Row) -> None:
    input, target = pairs(row)
    module: Any = make(row.config).build(row.input, row.target, row.facts)
    times = torch.tensor([0, 1, 2, 3] * 3)

    found = Weighted(module)(input, target, times)

    repeated = module(input.repeat_interleave(times, 0), target.repeat_interleave(times, 0))
    assert [one.item() for one in found] == pytest.approx([one.item() for one in repeated])
    assert Weighted(module).weight(target, times).item() == pytest.approx(repeated[1].item())


@each_row
def test_half_precision_is_summed_in_32_bits(row: Row) -> None:
    input, target = pairs(row, count=1000)
    input, target = input.bfloat16(), target.bfloat16() if target.is_floating_point() else target

    total, weight = sums(row, input, target)

    assert total.dtype == weight.dtype == torch.float32
    assert total.item() == pytest.approx(
        sums(row, input.double(), target.double() if target.is_floating_point() else target)[0].item(), rel=1e-4
    )


OPTIONS = [
    (name, option)
    for name, cls in all_of("loss").items()
    for option in cls.model_fields
    if option not in {"type", *TargetLoss.model_fields}
]


@pytest.mark.parametrize(("type", "option"), OPTIONS)
def test_every_option_of_a_loss_changes_it(type: str, option: str) -> None:
    row = next(row for row in ROWS if row.config["type"] == type and option in row.changes)
    input, target = pairs(row)

    assert sums(row, input, target, **{option: row.changes[option]})[0].item() != pytest.approx(sums(row, input, target)[0].item())


@pytest.mark.parametrize("normalize", [{"shift": 0.7, "scale": 0.45825757}, {"shift": 0.0, "scale": 1.0}])
def test_binary_cross_entropy_sees_zeros_and_ones_behind_a_normalised_target(normalize: dict[str, float]) -> None:
    scores, labels = torch.tensor([0.3, -1.0, 2.0]), torch.tensor([1.0, 0.0, 0.0])
    row = Row({"type": "binary_cross_entropy"}, ONE, ONE, of_yes_no, normalize)

    total, _ = sums(row, scores, (labels - normalize["shift"]) / normalize["scale"])

    assert total.item() == pytest.approx(of_yes_no(scores.numpy(), labels.numpy())[0], rel=1e-6)


def test_binary_cross_entropy_takes_a_share_between_no_and_yes() -> None:
    total, weight = sums(Row({"type": "binary_cross_entropy"}, ONE, ONE, of_yes_no), torch.tensor([0.0]), torch.tensor([0.25]))

    assert (total.item(), weight.item()) == pytest.approx((np.log(2), 1.0))


def test_binary_cross_entropy_refuses_a_number_that_is_no_share() -> None:
    with pytest.raises(DataError, match=r"the target holds 3\.7, but yes or no goes from 0 to 1"):
        sums(Row({"type": "binary_cross_entropy"}, ONE, ONE, of_yes_no), torch.zeros(2), torch.tensor([1.0, 3.7]))


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_quantile_loss_is_scikit_learns(q: float) -> None:
    row = Row({"type": "quantile", "q": q}, FLAT, FLAT, lambda x, y: (0.0, 0.0))
    input, target = pairs(row)

    total, weight = sums(row, input, target)

    assert (total / weight).item() == pytest.approx(mean_pinball_loss(target.numpy(), input.numpy(), alpha=q))


def test_on_a_gpu_a_number_that_is_no_share_is_found_without_waiting() -> None:
    target = torch.tensor([0.0, 1.2, 0.5])
    module: Any = make({"type": "binary_cross_entropy"}).build(ONE, ONE, {})

    assert portions_or_nan(target, {}).isnan().tolist() == [False, True, False]
    assert torch.equal(portions_or_nan(target[::2], {}), target[::2])
    assert module(torch.zeros(2, device="meta"), target[:2].to("meta"))[0].is_meta
    for check in (module.check, Weighted(module).check):
        check(target[::2])
        with pytest.raises(DataError, match=r"the target holds 1\.2"):
            check(target)


def test_balanced_weights_count_a_class_that_training_lacks_as_seen_once() -> None:
    row = Row({"type": "cross_entropy", "class_weights": "balanced"}, Shape((3,)), THREE, of_classes, {"counts": [6, 2, 0]})

    weights = [sums(row, torch.zeros(1, 3), torch.tensor([label]))[1].item() for label in range(3)]

    assert weights == pytest.approx([8 / 18, 8 / 6, 8 / 3])


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_binary_cross_entropy_of_a_huge_score_is_finite(size: float) -> None:
    total, _ = sums(Row({"type": "binary_cross_entropy"}, ONE, TWO, of_yes_no), torch.tensor([size]), torch.tensor([int(size < 0)]))

    assert total.item() == pytest.approx(1e4)


@pytest.mark.parametrize(
    ("weights", "target", "message"),
    [
        ([1.0, 2.0], THREE, "`class_weights` takes 3 numbers, one for each class, got 2"),
        ("balanced", Shape(kind="token", classes=3), "`class_weights: balanced` takes a category as target, not a token, one of 3"),
    ],
)
def test_class_weights_that_do_not_fit_are_refused(weights: Any, target: Shape, message: str) -> None:
    with pytest.raises(ShapeError) as error:
        make({"type": "cross_entropy", "class_weights": weights}).check(Shape((3,)), target)

    assert (error.value.message, error.value.field) == (message, "class_weights")


@pytest.mark.parametrize(
    ("weights", "target", "message"),
    [
        ("balanced", Shape(), "`positive_weights: balanced` takes a category or a vector of labels as target, not a number"),
        ([1.0, 2.0], FLAT, "`positive_weights` takes one number, or as many as the target has labels, got 2 for (N=4)"),
        ([1.0, 2.0], TWO, "`positive_weights` takes one number, or as many as the target has labels, got 2 for a category, one of 2"),
    ],
)
def test_positive_weights_that_do_not_fit_are_refused(weights: Any, target: Shape, message: str) -> None:
    with pytest.raises(ShapeError) as error:
        make({"type": "binary_cross_entropy", "positive_weights": weights}).check(Shape(target.axes), target)

    assert (error.value.message, error.value.field) == (message, "positive_weights")


def test_weights_of_classes_and_of_labels_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="either `class_weights` or `positive_weights`"):
        make({"type": "binary_cross_entropy", "class_weights": [1.0, 2.0], "positive_weights": 2.0})


@pytest.mark.parametrize("weights", ["heavy", [], [1.0, 0.0], [1.0, -2.0], [True, False], 3, {"a": 1}])
def test_wrong_class_weights_are_one_finding(weights: Any) -> None:
    with pytest.raises(ValidationError) as error:
        make({"type": "cross_entropy", "class_weights": weights})

    assert [(one["type"], one["loc"]) for one in error.value.errors()] == [("wrong_type", ("class_weights",))]
