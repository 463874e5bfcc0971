"""How pixels are counted: by what was learned from, or refused."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nnrun.registry.data.pixels import levels
from nnrun.registry.data.scales import at_scale, scale_of
from nnrun.registry.field import DataError
from tests.registry.test_fields import field

BYTES = np.array([[[0, 51, 255], [102, 0, 204]]], np.uint8)
"""A picture of 8 bits: 0, 0.2, 1, 0.4, 0 and 0.8."""
PARTS = [0, 0.2, 1, 0.4, 0, 0.8]


def packed(pixels: np.ndarray) -> bytes:
    """A picture as the bytes of a PNG file."""
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


EIGHT, SIXTEEN = {"bits": 8}, {"bits": 16}
UNIT = {"least": 0.0, "most": 1.0, "whole": False}
BINARY = {"least": 0.0, "most": 1.0, "whole": True}
DARKS = {"least": 0.0, "most": 16.0, "whole": True}
CENTRED = {"least": -2.0, "most": 2.0, "whole": False}


@pytest.mark.parametrize(
    ("column", "scale"),
    [
        (BYTES, EIGHT),
        (BYTES.astype(np.uint16), SIXTEEN),
        ([packed(BYTES[0])], EIGHT),
        (BYTES / 255, UNIT),
        (BYTES.astype(np.int64) // 255, BINARY),
        ([[[0, 16], [3, 4]], [[1, 2], [3, 5]]], DARKS),
        (np.array([[[-2.0, 2.0, 0.5]]]), CENTRED),
    ],
    ids=["8 bits", "16 bits", "files", "unit", "binary", "darks", "centred"],
)
def test_the_scale_is_that_of_the_training_part(column: Any, scale: dict[str, Any]) -> None:
    assert scale_of(column, levels(column)) == scale


@pytest.mark.parametrize("scale", [EIGHT, UNIT], ids=["8 bits", "unit"])
@pytest.mark.parametrize(
    "sent",
    [BYTES[0], BYTES[0].tolist(), BYTES[0].astype(float), BYTES[0].astype(float).tolist(), BYTES[0] / 255, (BYTES[0] / 255).tolist()],
    ids=["array of bytes", "list of bytes", "array of whole numbers", "list of whole numbers", "array from 0 to 1", "list from 0 to 1"],
)
def test_a_picture_is_the_same_in_every_form(sent: Any, scale: dict[str, Any]) -> None:
    assert np.ravel(at_scale(sent, scale)) == pytest.approx(PARTS)


@pytest.mark.parametrize("scale", [DARKS, CENTRED], ids=["darks", "centred"])
def test_other_numbers_stay_as_they_are(scale: dict[str, Any]) -> None:
    assert at_scale([[0, 2, 1]], scale).tolist() == [[0.0, 2.0, 1.0]]


@pytest.mark.parametrize(
    ("sent", "scale", "wanted"),
    [
        ([[0, 300]], EIGHT, "holds pixels from 0 to 300, where pixels of 8 bits (0 to 255, or 0 to 1) were learned from"),
        ([[-1.0, 1.0]], EIGHT, "holds pixels from -1 to 1, where pixels of 8 bits (0 to 255, or 0 to 1) were learned from"),
        ([[0, 16]], UNIT, "holds pixels from 0 to 16, where numbers from 0 to 1 were learned from"),
        ([[0.0, 99.5]], UNIT, "holds pixels from 0 to 99.5, where numbers from 0 to 1 were learned from"),
        ([[0, 255]], DARKS, "holds pixels from 0 to 255, where whole numbers from 0 to 16 were learned from"),
        ([[0.0, 0.3]], DARKS, "holds pixels from 0 to 0.3, where whole numbers from 0 to 16 were learned from"),
        ([[0, 255]], CENTRED, "holds pixels from 0 to 255, where numbers from -2 to 2 were learned from"),
        ("a.png", CENTRED, "holds a file, whose pixels count from 0 to 1, where numbers from -2 to 2 were learned from"),
    ],
)
def test_numbers_of_another_scale_are_refused(sent: Any, scale: dict[str, Any], wanted: str) -> None:
    with pytest.raises(DataError) as refused:
        at_scale(sent, scale)

    assert refused.value.message == wanted


@pytest.mark.parametrize("whole", [BYTES, BYTES / 255], ids=["8 bits", "unit"])
def test_a_film_is_the_same_in_every_form(whole: Any) -> None:
    config, film = field("video"), BYTES.repeat(2, 1)  # a frame of 4 by 3 pixels
    facts = config.fit([whole.repeat(2, 1)])
    forms = [film, film.tolist(), [film[0]], film / 255, (film / 255).tolist()]

    for form in forms:
        encoded = config.encode(config.received([form], facts), facts).values
        assert encoded == pytest.approx((film / 255)[None, :, None])


def test_another_size_than_that_of_all_arrays_learned_from_is_refused() -> None:
    config = field("image", size=[2, 3])
    facts = config.fit(BYTES)

    with pytest.raises(DataError, match="row 1 holds an image 3 pixels high and 3 wide, where only 2 and 3 were learned from"):
        config.received([np.zeros((3, 3))], facts)


def test_a_size_that_was_needed_goes_on_to_bring_pictures_to_it() -> None:
    config = field("image", size=[2, 3])
    facts = config.fit([np.zeros((2, 3), np.uint8), np.zeros((4, 6), np.uint8)])

    assert config.encode(config.received([np.ones((8, 12))], facts), facts).values.tolist() == np.ones((1, 1, 2, 3)).tolist()


def test_a_network_of_earlier_versions_is_sent_what_it_always_got() -> None:
    config = field("image")
    facts = {name: value for name, value in config.fit(BYTES).items() if name not in ("pixels", "exact")}

    assert config.received(BYTES, facts) is BYTES
