"""Curves, dots and confusion matrices: what stands where in the picture."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from nnrun.runner.engine.pictures import charts
from nnrun.runner.engine.pictures.plot import Curve, named, plot, ticks

RED = "#ff0000"


def pixels(picture: Image.Image | bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(picture)) if isinstance(picture, bytes) else picture
    return np.asarray(image.convert("RGB")).astype(int)


def red(shades: np.ndarray) -> np.ndarray:
    """Where it is about red: (rows, columns)."""
    return np.argwhere((shades[..., 0] > 200) & (shades[..., 1] < 120) & (shades[..., 2] < 120))


@given(st.lists(st.floats(-1e299, 1e299), min_size=1, max_size=5))
@example([1e-310])
@example([0.0, 5e-324])
@example([1e12, 1e12 + 1])
def test_ticks_hold_all_values_and_are_told_apart(values: list[float]) -> None:
    scale = ticks(values)
    span = scale[-1] - scale[0]

    assert 2 <= len(scale) <= 8
    assert scale[0] <= min(values) + 1e-6 * span
    assert scale[-1] >= max(values) - 1e-6 * span
    assert len({named(value, scale) for value in scale}) == len(scale)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([0, 400], ["0", "100", "200", "300", "400"]),
        ([0.021, 0.094], ["0.02", "0.04", "0.06", "0.08", "0.10"]),
        ([-1, 1], ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
        ([3.0], ["1.5", "2.0", "2.5", "3.0", "3.5", "4.0", "4.5"]),
        ([2e7, 6e7], ["2e+07", "3e+07", "4e+07", "5e+07", "6e+07"]),
    ],
)
def test_round_numbers_stand_at_the_axes(values: list[float], wanted: list[str]) -> None:
    scale = ticks(values)
    assert [named(value, scale) for value in scale] == wanted


def test_a_rising_curve_rises() -> None:
    place = red(pixels(plot([Curve([(0, 0), (10, 1)], RED)])))
    left, right = place[place[:, 1].argmin()], place[place[:, 1].argmax()]

    assert right[0] < left[0] - 100
    assert right[1] > left[1] + 150


def test_what_is_no_number_makes_a_gap() -> None:
    points = [(0.0, 1.0), (1.0, 1.0), (2.0, math.nan), (3.0, math.inf), (4.0, 1.0), (5.0, 1.0)]
    whole, broken = (red(pixels(plot([Curve(some, RED)]))) for some in ([(x, 1.0) for x, _ in points], points))

    assert 0.3 < len(broken) / len(whole) < 0.5  # two of five pieces


def test_a_single_point_is_seen() -> None:
    assert len(red(pixels(plot([Curve([(3, 3)], RED)])))) > 5


def test_curves_of_nothing_are_an_empty_field() -> None:
    assert pixels(charts.curves({"train/loss": [(0, 1e308), (1, -1e308)]})).shape == pixels(charts.curves({})).shape
    assert len(red(pixels(plot([Curve([(0, math.nan)], RED)])))) == 0


def test_train_and_valid_stand_side_by_side_with_their_label() -> None:
    history = {f"{part}/{label}": [(0, 1.0), (10, 0.5)] for part in ("train", "valid") for label in ("loss", "accuracy")}
    one, two = pixels(charts.curves({"train/loss": [(0, 1.0)]})), pixels(charts.curves(history, best_step=5))

    three = pixels(charts.curves(history | {"valid/f1": [(0, 0.5)]}))

    assert two.shape[:2] == (one.shape[0], 2 * one.shape[1])
    assert three.shape[:2] == (2 * one.shape[0], 2 * one.shape[1])


def test_a_confusion_matrix_is_dark_where_classes_were_taken_for_another() -> None:
    shades = pixels(charts.confusion(["a", "a", "b", "b"], ["b", "b", "b", "a"], ["a", "b"])).sum(-1)
    dark = np.argwhere(shades == sum((8, 48, 107)))  # all of `a` were taken for `b`: the upper right cell
    half = np.argwhere(shades == sum((107, 174, 214)))

    assert np.median(dark[:, 0]) < np.median(half[:, 0]) - 80
    assert np.median(dark[:, 1]) > np.median(half[:, 1]) + 40


def test_of_many_classes_only_colours_are_seen() -> None:
    names = [f"class {number}" for number in range(100)]
    assert pixels(charts.confusion(names, names, names)).shape[0] < 900


def test_predictions_without_an_error_lie_on_the_line() -> None:
    assert len(charts.scatter([1.0, 2.0], [1.0, 2.0], "price")) > 1000
