"""Zeros and ones in eight bits mean what they say, and what was done to pixels is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from nnrun.registry.catalog import find
from nnrun.registry.field import DataError, Encoded, Field, naming

BITS = np.random.default_rng(0).integers(0, 2, (6, 4, 5))
"""Six pictures of zeros and ones, as whole numbers."""

GREY = np.random.default_rng(0).integers(0, 256, (6, 4, 5))


def field(type: str = "image", **options: Any) -> Field:
    found = find("field", type)
    assert found is not None
    return found.model_validate({"type": type, **options})  # type: ignore[return-value]


def encoded(column: Any, config: Field | None = None, learned: Any = None) -> Encoded:
    config = config or field()
    with naming("it"):
        return config.encode(column, config.fit(column if learned is None else learned))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "bool", "int64", "float32"])
def test_zeros_and_ones_stay_whatever_holds_them(dtype: str) -> None:
    assert np.array_equal(encoded(BITS.astype(dtype)).values[:, 0], BITS)


def test_zeros_and_ones_in_single_arrays_stay() -> None:
    assert np.array_equal(encoded(list(BITS.astype("uint8"))).values[:, 0], BITS)


@pytest.mark.parametrize(("mode", "top"), [("L", 255), ("I;16", 65535)])
def test_files_of_zeros_and_ones_stay_and_brighter_ones_are_divided(mode: str, top: int, tmp_path: Path) -> None:
    dtype = "uint8" if top == 255 else "uint16"
    for factor, name in ((1, "bits"), (top, "bright")):
        for row, picture in enumerate(BITS):
            Pillow.fromarray((picture * factor).astype(dtype)).save(tmp_path / f"{name}{row}.png")
        found = encoded([str(tmp_path / f"{name}{row}.png") for row in range(len(BITS))])

        assert np.array_equal(found.values[:, 0], BITS)


@pytest.mark.parametrize("form", ["array", "frames", "lists"])
def test_films_of_zeros_and_ones_stay(form: str) -> None:
    film: Any = BITS.astype("uint8")
    learned = [film if form != "frames" else list(film)] * 3
    asked = {"array": film, "frames": list(film), "lists": BITS.tolist()}[form]

    assert np.array_equal(encoded([asked], field("video"), learned).values[0, :, 0], BITS)


def test_a_film_in_lists_has_the_pixels_that_were_learned_from() -> None:
    assert np.allclose(encoded([GREY.tolist()], field("video"), [GREY.astype("uint8")]).values[0, :, 0], GREY / 255)


def test_one_other_pixel_makes_all_of_them_shades() -> None:
    shades = BITS.astype("uint8")
    shades[3, 2, 1] = 2

    assert np.allclose(encoded(shades).values[:, 0], shades / 255)


def test_a_picture_without_any_light_tells_nothing() -> None:
    dark = np.zeros((3, 4, 5), "uint8")

    assert np.allclose(encoded(GREY.astype("uint8"), learned=dark).values[:, 0], GREY / 255)


def test_facts_of_older_networks_divide_as_they_did() -> None:
    config = field()
    facts = {name: fact for name, fact in config.fit(BITS.astype("uint8")).items() if name != "binary"}

    assert np.allclose(config.encode(BITS.astype("uint8"), facts).values[:, 0], BITS / 255)


@pytest.mark.parametrize("as_lists", [False, True])
def test_shades_are_refused_where_zeros_and_ones_were_learned(as_lists: bool) -> None:
    shades: Any = BITS.astype("uint8") * np.array([1, 1, 7, 1, 1, 1], "uint8")[:, None, None]
    with pytest.raises(DataError) as caught:
        encoded(shades.tolist() if as_lists else shades, learned=BITS.astype("uint8"))

    assert caught.value.message == "`it` in row 3 holds pixels up to 7, where the training part has only 0 and 1"


@pytest.mark.parametrize(
    ("column", "options", "said"),
    [
        (BITS.astype("uint8"), {}, "pixels are 0 and 1, and taken so"),
        (np.array([[[3, 250]]], "uint8"), {}, "pixels from 3 to 250, divided by 255"),
        (np.array([[[3, 65000]]], "uint16"), {}, "pixels from 3 to 65000, divided by 65535"),
        (np.array([[[0, 255]]]), {}, "pixels from 0 to 255, taken as they are"),
        (np.array([[[-0.5, 2.25]]]), {}, "pixels from -0.5 to 2.25, taken as they are"),
        (
            np.array([[[0, 100, 200, 255]]], "uint8"),
            {"binarize": 0.5},
            "pixels from 0 to 255, divided by 255; those above 0.5, 50% of all, become 1, others 0",
        ),
        (np.array([[[0, 51]]], "uint8"), {"normalize": "standard"}, "pixels from 0 to 51, divided by 255; then mean 0 and deviation 1"),
        (np.array([[[0, 51]]], "uint8"), {"normalize": "minmax"}, "pixels from 0 to 51, divided by 255; then from 0 to 1"),
    ],
)
def test_what_was_done_to_pixels_is_said(column: Any, options: dict[str, Any], said: str) -> None:
    assert encoded(column, field(**options)).said == said


def test_padding_is_no_pixel() -> None:
    films = [np.full((1, 2, 2), 9, "uint8"), np.full((3, 2, 2), 7, "uint8")]

    assert encoded(films, field("video")).said == "pixels from 7 to 9, divided by 255"
