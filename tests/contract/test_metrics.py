"""Laws of all metrics, with scikit-learn and SciPy as the judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]
from scipy.special import expit, log_softmax, softmax  # type: ignore[import-untyped]
from sklearn import metrics as sk
from torch import Tensor
from torchmetrics.functional.classification import multiclass_jaccard_index

from nnrun.registry.catalog import all_of, find
from nnrun.registry.field import DataError
from nnrun.registry.objective import Metric, SequenceMetric, TickMetric
from nnrun.registry.shape import InputError, Shape, ShapeError

torch.set_num_threads(1)

Array = NDArray[Any]
COUNT = 200


@dataclass(frozen=True)
class Row:
    """A metric in a place, and what it should be. Every type needs one row at least."""

    config: Mapping[str, Any]
    input: Shape
    target: Shape
    expected: Callable[[Array, Array], float]
    """The figure of arrays (M, *axes)."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Another value of an option, which must change the figure; every option needs one, in some row of its type."""

    def __str__(self) -> str:
        return f"{self.config} of {self.input} and {self.target}"


def best(scores: Array) -> Array:
    return np.asarray(scores.argmax(1))


def yes(scores: Array) -> Array:
    return np.asarray(expit(scores.reshape(len(scores), -1).squeeze()) > 0.5).astype(int)


def above(judge: Callable[..., Any], threshold: float, place: int = 1, **options: Any) -> Callable[[Array, Array], float]:
    """A judge of yes and no, by what has a probability above a threshold."""

    def expected(x: Array, y: Array) -> float:
        if x.shape == y.shape and y.ndim > 1:
            return float(judge(y.astype(int), (expit(x) > threshold).astype(int), **options))
        chances = softmax(x, axis=1)[:, place] if x.ndim > 1 and x.shape[1] > 1 else expit(x.reshape(len(x)))
        return float(judge((y == place).astype(int), (chances > threshold).astype(int)))

    return expected


def one_of(judge: Callable[..., Any], place: int) -> Callable[[Array, Array], float]:
    """A judge of one class, or label, against all that is none."""

    def expected(x: Array, y: Array) -> float:
        if x.shape == y.shape:
            return float(judge(y[:, place].astype(int), (x[:, place] > 0).astype(int)))
        return float(judge((y == place).astype(int), (best(x) == place).astype(int)))

    return expected


def chosen(judge: Callable[..., Any], **options: Any) -> Callable[[Array, Array], float]:
    """A judge of symbols: of K scores the class of the best, of one score whether its probability is above a half."""

    def expected(x: Array, y: Array) -> float:
        guess = best(x) if x.ndim == y.ndim + 1 and x.shape[1] > 1 else yes(x)
        return float(judge(y.astype(int), guess, **options))

    return expected


def chances(judge: Callable[..., Any], **options: Any) -> Callable[[Array, Array], float]:
    """A judge of probabilities: softmax of K scores, sigmoid of one or of many labels."""

    def expected(x: Array, y: Array) -> float:
        many = x.ndim == y.ndim + 1 and x.shape[1] > 1
        return float(judge(y.astype(int), softmax(x, 1) if many else expit(x.reshape(y.shape)), **options))

    return expected


def second(judge: Callable[..., Any]) -> Callable[[Array, Array], float]:
    """A judge of the probability of the second of two classes."""
    return lambda x, y: float(judge(y, softmax(x, 1)[:, 1]))


def both(judge: Callable[..., Any]) -> Callable[[Array, Array], float]:
    """The mean of what a judge says of each of two classes against the other, by one score."""
    return lambda x, y: float(np.mean([judge(y, expit(x)), judge(1 - y, expit(-x))]))


def specificity(truth: Array, guess: Array) -> float:
    """Recall of what is not of a class."""
    labels = sorted(set(truth))
    each = [sk.recall_score(truth != label, guess != label) for label in labels]
    return float(each[1] if len(labels) == 2 else np.mean(each))


def calibration(x: Array, y: Array, bins: int, norm: str) -> float:
    """Guo et al. 2017, equations 2 and 3: groups ((m - 1) / M, m / M]."""
    probability = softmax(x, 1) if x.ndim == 2 else np.stack([expit(-x), expit(x)], 1)
    confidence, right = probability.max(1), probability.argmax(1) == y
    gaps, sizes = [], []
    for group in range(bins):
        inside = (confidence > group / bins) & (confidence <= (group + 1) / bins)
        if inside.any():
            gaps.append(abs(right[inside].mean() - confidence[inside].mean()))
            sizes.append(inside.mean())
    gap, size = np.array(gaps), np.array(sizes)
    return float({"l1": (size * gap).sum(), "l2": np.sqrt((size * gap**2).sum()), "max": gap.max()}[norm])


def nats(x: Array, y: Array) -> float:
    return float(-log_softmax(x, 1)[np.arange(len(y)), y].mean())


def numbers(judge: Callable[..., Any], scale: float = 1.0, shift: float = 0.0) -> Callable[[Array, Array], float]:
    return lambda x, y: float(judge(y.reshape(len(y), -1) * scale + shift, x.reshape(len(y), -1) * scale + shift))


def each(judge: Callable[[Array, Array], Any]) -> Callable[[Array, Array], float]:
    """The mean over features."""
    return lambda x, y: float(np.mean([judge(a, b)[0] for a, b in zip(x.reshape(len(y), -1).T, y.reshape(len(y), -1).T, strict=True)]))


def pixels(judge: Callable[..., Any]) -> Callable[[Array, Array], float]:
    """A judge of symbols, of all places of all examples."""
    return lambda x, y: float(judge(y.ravel(), best(x).ravel()))


def intersections(guess: Array, truth: Array) -> float:
    """The mean over classes of intersection / union, as torchmetrics has it."""
    classes = int(truth.max()) + 1
    return float(multiclass_jaccard_index(torch.from_numpy(guess), torch.from_numpy(truth), classes, average="macro"))


def largest(truth: Array, guess: Array) -> float:
    return float(np.abs(truth - guess).max())


K, THREE = Shape((3,)), Shape(kind="category", classes=3)
ONE, TWO = Shape((1,)), Shape(kind="category", classes=2)
PAIR, BARE = Shape((2,)), Shape()
TAGS = Shape((4,))
SCORED, PIXELS = Shape((3, 2, 2)), Shape((2, 2), "category", 3)
VOCABULARY, WORD = Shape((7,)), Shape(kind="token", classes=7)
METERS = {"shift": 20.0, "scale": 4.0}
"""Facts of a field that was normalised: natural = 4 * normalised + 20."""

ROWS = [
    Row({"type": "accuracy"}, K, THREE, chosen(sk.accuracy_score)),
    Row({"type": "accuracy"}, PAIR, TWO, chosen(sk.accuracy_score)),
    Row({"type": "accuracy"}, ONE, TWO, chosen(sk.accuracy_score)),
    Row({"type": "accuracy"}, ONE, BARE, chosen(sk.accuracy_score)),
    Row({"type": "accuracy"}, TAGS, TAGS, lambda x, y: float((yes(x) == y).mean())),
    Row({"type": "accuracy"}, VOCABULARY, WORD, chosen(sk.accuracy_score)),
    Row({"type": "accuracy"}, SCORED, PIXELS, pixels(sk.accuracy_score)),
    Row({"type": "accuracy"}, Shape((1, 2, 2)), Shape((2, 2), "category", 2), lambda x, y: float(((x[:, 0] > 0) == y).mean())),
    Row({"type": "balanced_accuracy"}, K, THREE, chosen(sk.balanced_accuracy_score)),
    Row({"type": "balanced_accuracy"}, BARE, TWO, chosen(sk.balanced_accuracy_score)),
    Row({"type": "top_k_accuracy", "k": 2}, K, THREE, chances(sk.top_k_accuracy_score, k=2, labels=range(3)), changes={"k": 1}),
    Row({"type": "top_k_accuracy"}, VOCABULARY, WORD, chances(sk.top_k_accuracy_score, k=5, labels=range(7))),
    *(
        row
        for name, judge in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score))
        for row in (
            Row({"type": name}, K, THREE, chosen(judge, average="macro"), changes={"average": "micro"}),
            Row({"type": name, "average": "micro"}, K, THREE, chosen(judge, average="micro")),
            Row({"type": name, "average": "weighted"}, K, THREE, chosen(judge, average="weighted")),
            Row({"type": name}, PAIR, TWO, chosen(judge, average="binary")),
            Row({"type": name}, ONE, TWO, chosen(judge, average="binary")),
            Row({"type": name, "average": "macro"}, ONE, TWO, chosen(judge, average="macro")),
            Row({"type": name}, BARE, BARE, chosen(judge, average="binary")),
            Row({"type": name}, TAGS, TAGS, chosen(judge, average="macro")),
            Row({"type": name, "average": "micro"}, TAGS, TAGS, chosen(judge, average="micro")),
            Row({"type": name, "of": "b"}, K, THREE, one_of(judge, 1), {"classes": ["a", "b", "c"]}, {"of": "c"}),
            Row({"type": name, "threshold": 0.7}, ONE, TWO, above(judge, 0.7), changes={"threshold": 0.2}),
            Row({"type": name, "threshold": 0.7}, PAIR, TWO, above(judge, 0.7)),
            Row({"type": name, "threshold": 0.6}, TAGS, TAGS, above(judge, 0.6, average="macro")),
            Row({"type": name, "threshold": 0.3, "of": "b"}, K, THREE, above(judge, 0.3, place=1), {"classes": ["a", "b", "c"]}),
            Row({"type": name, "of": "y"}, TAGS, TAGS, one_of(judge, 1), {"columns": ["x", "y", "z"]}, {"of": "z"}),
        )
    ),
    Row({"type": "specificity"}, K, THREE, chosen(specificity), changes={"average": "micro"}),
    Row({"type": "specificity"}, ONE, TWO, chosen(specificity)),
    Row({"type": "specificity", "threshold": 0.7}, ONE, TWO, above(specificity, 0.7), changes={"threshold": 0.2}),
    Row({"type": "specificity", "of": "a"}, K, THREE, one_of(specificity, 0), {"classes": ["a", "b", "c"]}, {"of": "b"}),
    Row({"type": "auroc"}, K, THREE, chances(sk.roc_auc_score, multi_class="ovr"), changes={"average": "weighted"}),
    Row({"type": "auroc", "average": "weighted"}, K, THREE, chances(sk.roc_auc_score, multi_class="ovr", average="weighted")),
    Row({"type": "auroc"}, ONE, TWO, chances(sk.roc_auc_score)),
    Row({"type": "auroc"}, PAIR, TWO, second(sk.roc_auc_score)),
    Row({"type": "auroc"}, TAGS, TAGS, chances(sk.roc_auc_score)),
    Row({"type": "average_precision"}, K, THREE, chances(sk.average_precision_score), changes={"average": "weighted"}),
    Row({"type": "average_precision", "average": "weighted"}, K, THREE, chances(sk.average_precision_score, average="weighted")),
    Row({"type": "average_precision"}, BARE, TWO, chances(sk.average_precision_score)),
    Row({"type": "average_precision"}, PAIR, TWO, second(sk.average_precision_score)),
    Row({"type": "average_precision", "average": "macro"}, BARE, TWO, both(sk.average_precision_score)),
    Row({"type": "average_precision"}, TAGS, TAGS, chances(sk.average_precision_score)),
    Row({"type": "matthews"}, K, THREE, chosen(sk.matthews_corrcoef)),
    Row({"type": "matthews"}, ONE, TWO, chosen(sk.matthews_corrcoef)),
    Row({"type": "cohen_kappa"}, K, THREE, chosen(sk.cohen_kappa_score), changes={"weights": "linear"}),
    Row({"type": "cohen_kappa", "weights": "linear"}, K, THREE, chosen(sk.cohen_kappa_score, weights="linear")),
    Row({"type": "cohen_kappa", "weights": "quadratic"}, K, THREE, chosen(sk.cohen_kappa_score, weights="quadratic")),
    Row({"type": "cohen_kappa"}, BARE, TWO, chosen(sk.cohen_kappa_score)),
    Row({"type": "mean_iou"}, K, THREE, chosen(sk.jaccard_score, average="macro")),
    Row({"type": "mean_iou"}, BARE, TWO, chosen(sk.jaccard_score, average="macro")),
    Row({"type": "mean_iou"}, SCORED, PIXELS, pixels(partial(sk.jaccard_score, average="macro"))),
    Row({"type": "mean_iou"}, Shape((1, 2, 2)), Shape((2, 2), "category", 2), lambda x, y: intersections((x[:, 0] > 0).astype(int), y)),
    Row({"type": "log_loss"}, K, THREE, chances(sk.log_loss)),
    Row({"type": "log_loss"}, BARE, TWO, chances(sk.log_loss)),
    Row({"type": "log_loss"}, VOCABULARY, WORD, nats),
    Row({"type": "log_loss"}, TAGS, TAGS, lambda x, y: float(np.mean([sk.log_loss(b, expit(a)) for a, b in zip(x.T, y.T, strict=True)]))),
    Row({"type": "calibration_error"}, K, THREE, lambda x, y: calibration(x, y, 15, "l1"), changes={"bins": 4, "norm": "max"}),
    Row({"type": "calibration_error", "norm": "l2"}, K, THREE, lambda x, y: calibration(x, y, 15, "l2")),
    Row({"type": "calibration_error", "norm": "max", "bins": 5}, K, THREE, lambda x, y: calibration(x, y, 5, "max")),
    Row({"type": "calibration_error"}, BARE, TWO, lambda x, y: calibration(x, y, 15, "l1")),
    Row({"type": "perplexity"}, VOCABULARY, WORD, lambda x, y: float(np.exp(nats(x, y)))),
    Row({"type": "bits_per_character"}, VOCABULARY, WORD, lambda x, y: nats(x, y) / float(np.log(2))),
    *(
        row
        for name, judge in (
            ("mse", sk.mean_squared_error),
            ("rmse", lambda y, x: np.sqrt(sk.mean_squared_error(y, x))),
            ("mae", sk.mean_absolute_error),
            ("max_error", largest),
        )
        for row in (
            Row({"type": name}, ONE, BARE, numbers(judge), METERS, {"units": "original"}),
            Row({"type": name, "units": "original"}, ONE, BARE, numbers(judge, 4.0, 20.0), METERS),
            Row({"type": name, "units": "original"}, BARE, ONE, numbers(judge)),
            Row({"type": name}, Shape((1, 2, 2)), Shape((1, 2, 2)), numbers(judge)),
        )
    ),
    Row({"type": "mape"}, BARE, BARE, numbers(sk.mean_absolute_percentage_error, 4.0, 20.0), METERS),
    Row({"type": "r2"}, ONE, BARE, numbers(sk.r2_score)),
    Row({"type": "r2"}, TAGS, TAGS, numbers(sk.r2_score)),
    Row({"type": "explained_variance"}, ONE, BARE, numbers(sk.explained_variance_score)),
    Row({"type": "explained_variance"}, TAGS, TAGS, numbers(sk.explained_variance_score)),
    Row({"type": "pearson"}, ONE, BARE, each(stats.pearsonr)),
    Row({"type": "pearson"}, TAGS, TAGS, each(stats.pearsonr)),
    Row({"type": "spearman"}, ONE, BARE, each(stats.spearmanr)),
    Row({"type": "spearman"}, TAGS, TAGS, each(stats.spearmanr)),
]
JUDGES_OF_SCORES = {name: cls for name, cls in all_of("metric").items() if not issubclass(cls, SequenceMetric | TickMetric)}
"""The others have tests of their own: test_text_metrics.py, test_tick_metrics.py."""

each_row = pytest.mark.parametrize("row", ROWS, ids=str)


def make(config: Mapping[str, Any]) -> Metric:
    cls = find("metric", config["type"])
    assert cls is not None
    metric = cls.model_validate(dict(config))
    assert isinstance(metric, Metric)
    return metric


def pairs(row: Row, count: int = COUNT) -> tuple[Tensor, Tensor]:
    """Outputs that know something of the targets (M, *axes), in 32 bits as a network gives them."""
    torch.manual_seed(3)
    noise = torch.randn(count, *row.input.axes)  # type: ignore[arg-type]
    if row.target.kind == "number":
        target = torch.randn(count, *row.target.axes).mul(8).round().div(8)  # type: ignore[arg-type]
        if any(name in row.config["type"] for name in ("accuracy", "precision", "recall", "f1", "auroc", "log_loss", "specificity")):
            target = (target > 0.3).float()
        return 0.7 * noise + target.reshape(noise.shape), target
    assert isinstance(row.target.classes, int)
    shares = torch.arange(row.target.classes) + 1.0  # classes are not equally frequent
    target = shares.multinomial(count * int(row.target.size), replacement=True).reshape(count, *row.target.axes)  # type: ignore[arg-type]
    if row.input.axes in ((), row.target.axes) or row.input.axes[0] == 1:
        return noise + target.reshape(noise.shape) - 0.5, target
    return noise + torch.nn.functional.one_hot(target, row.target.classes).movedim(-1, 1), target


def figure(row: Row, input: Tensor, target: Tensor, batches: int = 1, **changes: Any) -> float:
    metric = make({**row.config, **changes})
    meter = metric.build(row.input, row.target)
    for x, y in zip(input.tensor_split(batches), target.tensor_split(batches), strict=True):
        meter.update(*metric.prepare(x, y, row.facts))
    result = meter.compute()
    assert result.shape == ()
    return float(result)


def test_every_metric_has_a_row() -> None:
    assert sorted({row.config["type"] for row in ROWS}) == sorted(JUDGES_OF_SCORES)


@each_row
def test_metric_accepts_the_shapes_of_its_row(row: Row) -> None:
    make(row.config).check(row.input, row.target)


@each_row
@pytest.mark.parametrize("batches", [1, 7])
def test_metric_is_what_the_judge_says(row: Row, batches: int) -> None:
    input, target = pairs(row)

    assert figure(row, input, target, batches) == pytest.approx(row.expected(input.double().numpy(), target.numpy()), rel=1e-6)


@each_row
def test_meter_starts_anew_after_reset(row: Row) -> None:
    input, target = pairs(row)
    metric = make(row.config)
    meter = metric.build(row.input, row.target)
    meter.update(*metric.prepare(input[:50].flip(0), target[:50], row.facts))

    meter.reset()
    meter.update(*metric.prepare(input, target, row.facts))

    assert float(meter.compute()) == figure(row, input, target)


@each_row
def test_better_outputs_give_a_better_figure(row: Row) -> None:
    input, target = pairs(row)
    change = figure(row, ideal(row, target).reshape(input.shape), target) - figure(row, input, target)

    assert (change > 0) == make(row.config).higher_is_better


def ideal(row: Row, target: Tensor) -> Tensor:
    """Outputs that are right, and sure of it."""
    if row.target.kind == "number":
        return target if set(target.flatten().tolist()) - {0.0, 1.0} else 16 * target - 8
    assert isinstance(row.target.classes, int)
    if row.input.axes in ((), row.target.axes) or row.input.axes[0] == 1:
        return 16.0 * target - 8
    return 16.0 * torch.nn.functional.one_hot(target, row.target.classes).movedim(-1, 1)


OPTIONS = [
    (name, option) for name, cls in JUDGES_OF_SCORES.items() for option in cls.model_fields if option not in {"type", *Metric.model_fields}
]


@pytest.mark.parametrize(("type", "option"), OPTIONS)
def test_every_option_of_a_metric_changes_it(type: str, option: str) -> None:
    row = next(row for row in ROWS if row.config["type"] == type and option in row.changes)
    input, target = pairs(row)

    assert figure(row, input, target, **{option: row.changes[option]}) != pytest.approx(figure(row, input, target), rel=1e-3)


def test_metric_is_logged_by_its_type_or_its_name() -> None:
    assert [make({"type": "f1"}).label, make({"type": "f1", "name": "f1_macro"}).label] == ["f1", "f1_macro"]


def of(type: str, input: Shape, target: Shape, **options: Any) -> Row:
    return Row({"type": type, **options}, input, target, lambda x, y: 0.0)


def test_scores_between_0_and_1_are_still_scores() -> None:
    # torchmetrics takes values from 0 to 1 for probabilities; as scores, all of these say yes.
    scores, labels = torch.tensor([0.1, 0.2, 0.9]), torch.tensor([1, 1, 0])

    assert figure(of("accuracy", BARE, TWO), scores, labels) == pytest.approx(2 / 3)
    assert figure(of("log_loss", BARE, TWO), scores, labels) == pytest.approx(sk.log_loss(labels, expit(scores.double().numpy())))


def test_very_sure_scores_are_still_ranked() -> None:
    # In 32 bits the sigmoid of all of these is 1.
    assert figure(of("auroc", BARE, TWO), torch.tensor([20.0, 22.0, 24.0]), torch.tensor([0, 0, 1])) == 1.0


def test_class_that_never_occurs_stays_out_of_a_ranking() -> None:
    scores, labels = torch.tensor([[3.0, 1.0, 0.0], [0.0, 2.0, 0.0], [2.0, 0.0, 0.0]]), torch.tensor([0, 1, 0])

    assert figure(of("auroc", K, THREE), scores, labels) == 1.0


@pytest.mark.parametrize("type", ["auroc", "average_precision"])
def test_ranking_of_a_single_class_is_not_a_number(type: str) -> None:
    assert np.isnan(figure(of(type, BARE, TWO), torch.tensor([0.5, -1.0]), torch.tensor([0, 0])))


def test_matthews_of_a_constant_prediction_is_zero() -> None:
    assert figure(of("matthews", BARE, TWO), torch.ones(4), torch.tensor([1, 0, 0, 0])) == 0.0


def test_balanced_accuracy_leaves_out_a_class_that_never_occurs() -> None:
    scores, labels = torch.tensor([[1.0, 0, 0], [0, 0, 1.0], [0, 1.0, 0]]), torch.tensor([0, 0, 1])

    assert figure(of("balanced_accuracy", K, THREE), scores, labels) == pytest.approx((1 / 2 + 1) / 2)


def test_classes_that_neither_occur_nor_were_named_have_no_part_in_the_mean_iou() -> None:
    truth, guess = torch.tensor([[[0, 0], [2, 2]]]), torch.tensor([[[0, 2], [2, 2]]])  # of five classes, two
    scores = torch.nn.functional.one_hot(guess, 5).movedim(-1, 1).float()

    found = figure(of("mean_iou", Shape((5, 2, 2)), Shape((2, 2), "category", 5)), scores, truth)
    assert found == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found == pytest.approx(float(multiclass_jaccard_index(guess, truth, 5, average="macro")))


def test_certainty_is_in_one_group_with_what_is_nearly_certain() -> None:
    # Two guesses of probability 1, one right; two of 0.95, both right: a group of 0.975 sure and 0.75 right.
    scores, labels = torch.tensor([50.0, 50.0, 2.944439, 2.944439]), torch.tensor([1, 0, 1, 1])

    assert figure(of("calibration_error", BARE, TWO, bins=10), scores, labels) == pytest.approx(0.225)


@pytest.mark.parametrize("type", ["log_loss", "mse", "mae", "rmse", "max_error", "r2", "explained_variance", "mape"])
def test_not_a_number_in_an_output_is_not_hidden(type: str) -> None:
    input, target = torch.tensor([0.5, torch.nan, 1.0]), torch.tensor([1, 0, 1]) if type == "log_loss" else torch.tensor([1.0, 2.0, 3.0])

    assert np.isnan(figure(of(type, BARE, TWO if type == "log_loss" else BARE), input, target))


@pytest.mark.parametrize("type", ["r2", "explained_variance", "pearson"])
def test_large_mean_costs_no_digits(type: str) -> None:
    truth = np.array([1e6, 1e6 + 1, 1e6 + 2, 1e6 + 3])
    guess = truth + np.array([0.5, 0, 0, -0.5])
    judge = {"r2": sk.r2_score, "explained_variance": sk.explained_variance_score, "pearson": lambda y, x: stats.pearsonr(y, x)[0]}[type]

    assert figure(of(type, BARE, BARE), torch.tensor(guess), torch.tensor(truth), batches=3) == pytest.approx(judge(truth, guess), rel=1e-9)


@pytest.mark.parametrize(("guess", "expected"), [([0.1] * 3, 1.0), ([0.1, 0.2, 0.3], 0.0)])
def test_r2_of_a_constant_target_is_that_of_scikit_learn(guess: list[float], expected: float) -> None:
    assert figure(of("r2", BARE, BARE), torch.tensor(guess), torch.tensor([0.1] * 3), batches=2) == expected


@pytest.mark.parametrize("type", ["pearson", "spearman"])
def test_correlation_with_a_constant_is_not_a_number(type: str) -> None:
    assert np.isnan(figure(of(type, BARE, BARE), torch.full((3,), 0.1), torch.tensor([1.0, 2.0, 3.0])))


def test_units_of_a_vector_are_those_of_each_feature() -> None:
    row = Row({"type": "mae", "units": "original"}, PAIR, PAIR, lambda x, y: 0.0, {"shift": [5.0, -1.0], "scale": [2.0, 10.0]})

    assert figure(row, torch.tensor([[1.0, 1.0]]), torch.tensor([[0.0, 0.5]])) == pytest.approx((2 + 5) / 2)


def test_units_of_an_image_are_those_of_each_channel() -> None:
    image = Shape((2, 1, 2))
    row = Row({"type": "mae", "units": "original"}, image, image, lambda x, y: 0.0, {"shift": [5.0, -1.0], "scale": [2.0, 10.0]})

    assert figure(row, torch.ones(1, 2, 1, 2), torch.zeros(1, 2, 1, 2)) == pytest.approx((2 + 10) / 2)


def test_normalised_zeros_and_ones_are_taken_back_first() -> None:
    row = Row({"type": "accuracy"}, ONE, BARE, lambda x, y: 0.0, {"shift": 0.75, "scale": 0.4330127})
    labels = torch.tensor([1.0, 1.0, 0.0, 1.0])

    assert figure(row, torch.tensor([[2.0], [-1.0], [-1.0], [0.5]]), (labels - 0.75) / 0.4330127) == 0.75


def test_a_class_that_there_is_not_is_named() -> None:
    row = Row({"type": "f1", "of": "d"}, K, THREE, lambda x, y: 0.0, {"classes": ["a", "b", "c"]})

    assert make(row.config).label == "f1_d"
    assert make({"type": "f1", "of": "(other) one"}).label == "f1__other_one"
    with pytest.raises(DataError, match="`d` is none of its classes"):
        figure(row, torch.zeros(2, 3), torch.tensor([0, 1]))


def test_a_threshold_decides_between_yes_and_no() -> None:
    with pytest.raises(ShapeError, match="`threshold` decides between yes and no, and there are 3 classes"):
        make({"type": "f1", "threshold": 0.3}).check(K, THREE)


def test_number_that_is_neither_0_nor_1_is_no_class() -> None:
    with pytest.raises(DataError, match=r"the target holds 0\.5, but this metric takes 0 and 1"):
        figure(of("accuracy", BARE, BARE), torch.zeros(2), torch.tensor([1.0, 0.5]))


@pytest.mark.parametrize(
    ("type", "input", "target", "message", "help"),
    [
        (
            "f1",
            VOCABULARY,
            WORD,
            "takes a category as its target",
            "`accuracy`, `top_k_accuracy`, `log_loss` and `perplexity` judge tokens",
        ),
        ("matthews", TAGS, TAGS, "takes a category, or a single 0 or 1, as its target", "`accuracy`, `f1` and `auroc` judge many labels"),
        ("perplexity", K, THREE, "takes tokens as its target", "`log_loss` judges categories"),
        ("accuracy", THREE, THREE, "takes scores", "name the node that makes the scores, not the one that makes a symbol of them"),
        ("rmse", K, THREE, "takes numbers as its target", "the loss `cross_entropy` and the metric `accuracy` judge categories and tokens"),
    ],
)
def test_metric_that_does_not_fit_is_refused_with_a_repair(type: str, input: Shape, target: Shape, message: str, help: str) -> None:
    with pytest.raises(InputError) as error:
        make({"type": type}).check(input, target)

    assert (error.value.message, error.value.help) == (message, help)


def test_more_guesses_than_classes_are_refused() -> None:
    with pytest.raises(ShapeError) as error:
        make({"type": "top_k_accuracy"}).check(K, THREE)

    assert (error.value.message, error.value.field) == ("the best 5 of 3 classes always hold the right one", "k")
