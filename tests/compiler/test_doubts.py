"""What a graph tells before any training: warnings about what can be run and is hardly ever meant."""

from __future__ import annotations

import math

import pytest

from nnrun.registry.algebra.activations import ACTIVATIONS, FUNCTIONS, RANGES
from nnrun.runner.compiler.check import check
from tests.compiler.support import headlines, reviews, spec, underlined

NUMBERS = "{source: {source: csv, file: a.csv}, fields: {x: {type: number}, y: {type: number, normalize: standard}, yes: {type: category}}}"


def numbers(node: str, loss: str, data: str = NUMBERS) -> str:
    """A network of one number that is judged by `scores`."""
    return spec({"flat": "", "scores": node}, ["x -> scores"], data=data, train=f"{{loss: {loss}}}")


def classifier(*edges: str, **nodes: str) -> str:
    return spec(nodes, edges or ("image -> flat -> scores",))


def decoder(low: str, scores: str) -> str:
    """A network that gives its own input, a picture."""
    data = "{source: digits, fields: {image: {type: image}}}"
    loss = "{loss: {type: binary_cross_entropy, input: scores, target: image}}"
    return spec({"flat": "{type: pool}", "low": low, "scores": scores}, ["image -> flat -> low -> scores"], data=data, train=loss)


TEN = "{type: linear, units: digit}"
SQUASHED = "{type: linear, units: digit, activation: sigmoid}"
CELL = {"embed": "{type: embedding, units: 4}", "scores": "{type: last}", "cell": "{type: gru, units: label}"}

LOST = [
    (classifier(scores="{type: linear, units: digit, activation: softmax}"), "softmax"),
    (classifier("image -> flat -> low -> scores", low=TEN, scores="{type: activation, function: softmax}"), "softmax"),
    (classifier(scores="{type: linear, units: digit, activation: relu}"), "relu"),
    (classifier("image -> flat -> low", low=TEN, scores="{type: formula, is: tanh(low)}"), "tanh(low)"),
    (classifier("image -> flat -> low -> scores", low=SQUASHED, scores="{type: dropout, rate: 0.1}"), "sigmoid"),
    (numbers("{type: linear, units: 1, activation: sigmoid}", "{type: binary_cross_entropy, input: scores, target: yes}"), "sigmoid"),
    (numbers("{type: linear, units: 1, activation: relu}", "{type: mse, input: scores, target: y}"), "relu"),
    (reviews(CELL, ["text -> embed -> cell -> scores"]), "cell"),
    (decoder("{type: conv, filters: 4, kernel: 1}", "{type: conv_transpose, filters: 1, kernel: 2, stride: 2, activation: tanh}"), "tanh"),
    (decoder("{type: conv, filters: 1, kernel: 1, activation: sigmoid}", "{type: upsample}"), "sigmoid"),
]


@pytest.mark.parametrize(("text", "place"), LOST)
def test_a_function_that_takes_numbers_from_a_loss_is_warned_of_where_it_stands(text: str, place: str) -> None:
    checked = check(text)

    assert [(finding.id, finding.severity) for finding in checked.report] == [("narrow-output", "warning")]
    assert checked.plan is not None
    assert underlined(text) == [place]


@pytest.mark.parametrize(
    "text",
    [
        classifier(),
        classifier(scores="{type: linear, units: digit, activation: log_softmax}"),  # the softmax of it is the softmax of the scores
        classifier(scores="{type: linear, units: digit, activation: leaky_relu}"),
        classifier("image -> flat -> low -> scores", low="{type: linear, units: 9, activation: relu}"),
        numbers("{type: linear, units: 1, activation: tanh}", "{type: mse, input: scores, target: y}"),
        numbers("{type: linear, units: 1, activation: relu}", "{type: mse, input: scores, target: y}", NUMBERS.replace("standard", "none")),
    ],
)
def test_what_leaves_a_loss_its_numbers_is_not_warned_of(text: str) -> None:
    assert headlines(text) == []


def test_the_warning_says_how_sure_an_answer_can_be() -> None:
    most = math.e / (math.e + 9)  # one of ten classes has the score 1, all others 0

    (found,) = headlines(LOST[0][0])

    assert most == pytest.approx(0.232, abs=5e-4)
    assert found.endswith("with scores from 0 to 1 the right one of 10 classes never gets more than 0.23")


def test_the_least_and_largest_values_of_functions_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    from nnrun.registry.modules.activations import Activation

    x = torch.linspace(-60, 60, 120_001, dtype=torch.float64)
    for function in ACTIVATIONS:
        if function not in ("softmax", "log_softmax"):  # over features
            y, (low, high) = Activation(function, axes=1)(x), RANGES.get(function, (-math.inf, math.inf))
            assert float(y.min()) == pytest.approx(low, abs=0.02) if low > -math.inf else float(y.min()) < -0.5
            assert float(y.max()) == pytest.approx(high, abs=0.02) if high < math.inf else float(y.max()) > 50
    assert set(RANGES) <= {*ACTIVATIONS, *FUNCTIONS}


def test_an_edge_drawn_twice_is_warned_of_at_the_second() -> None:
    text = spec(edges=["image -> flat -> scores", "flat -> scores"])

    assert headlines(text) == ["repeated-edge: `flat` leads into `scores` twice"]
    assert underlined(text) == ["flat -> scores"]


@pytest.mark.parametrize(("kind", "findings"), [("add", 1), ("concat", 1), ("subtract", 1), ("multiply", 0)])
def test_a_value_may_be_multiplied_with_itself_alone(kind: str, findings: int) -> None:
    text = spec({"both": f"{{type: {kind}}}"}, ["image -> flat", "flat, flat -> both -> scores"])

    assert len(headlines(text)) == findings


def test_a_value_now_is_another_than_a_tick_ago() -> None:
    cell = {"embed": "{type: embedding, units: 4}", "h": "{type: linear, units: 4}", "end": "{type: last}"}

    assert headlines(reviews(cell, ["text -> embed", "embed, prev(embed), prev(h) -> h", "h -> end -> scores"])) == []
