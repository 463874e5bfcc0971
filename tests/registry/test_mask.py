"""A class at each pixel: arrays and files of numbers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from nnrun.registry.catalog import Lookup
from nnrun.registry.field import DataError, naming
from nnrun.registry.fields.mask import Mask
from nnrun.registry.losses.class_weights import resolve_class_weights
from nnrun.registry.shape import Shape

AREAS = np.array([[0, 0, 2], [0, 1, 2]], dtype=np.uint8)


def mask(**options: Any) -> Mask:
    made = Lookup("field").validate({"type": "mask", **options})
    assert isinstance(made, Mask)
    return made


def encoded(config: Mask, column: Sequence[Any], train: Sequence[Any] | None = None) -> np.ndarray:
    return config.encode(column, config.fit(column if train is None else train)).values


def refusal(config: Mask, column: Sequence[Any], train: Sequence[Any] | None = None) -> DataError:
    with pytest.raises(DataError) as caught, naming("it"):
        encoded(config, column, train)
    assert caught.value.help
    return caught.value


def png(image: Pillow.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "png")
    return stream.getvalue()


def test_classes_are_the_numbers_of_the_training_part_with_their_pixels() -> None:
    facts = mask().fit([AREAS * 100, np.zeros((2, 3))])

    assert facts == {"size": [2, 3], "classes": ["0", "100", "200"], "numbers": [0, 100, 200], "counts": [9, 1, 2]}
    assert mask().shape("it", facts) == Shape((2, 3), "category", 3)


def test_named_classes_count_the_pixels_from_0_on() -> None:
    config = mask(classes=["sky", "land", "sea", "boat"])
    facts = config.fit([AREAS])

    assert facts["counts"] == [3, 1, 2, 0]
    assert config.shape("it") == Shape(("it.height", "it.width"), "category", 4)
    assert config.encode([AREAS], facts).values.tolist() == [AREAS.tolist()]


def test_what_the_pixels_are_is_told() -> None:
    config = mask(classes=["sky", "land", "sea"])

    assert config.encode([AREAS], config.fit([AREAS])).said == "pixels of 3 classes; 50% of the training part are `sky`"


def test_rare_pixels_weigh_more_where_classes_are_balanced() -> None:
    assert resolve_class_weights("balanced", mask().fit([AREAS])) == pytest.approx((6 / 9, 6 / 3, 6 / 6))


def test_answers_are_numbers_of_the_data() -> None:
    facts = mask().fit([AREAS * 100])

    assert mask().decode(mask().encode([AREAS * 100], facts).values, facts) == [(AREAS.astype(int) * 100).tolist()]


@pytest.mark.parametrize(
    "stored",
    [
        AREAS.tolist(),
        AREAS.astype("float32"),
        AREAS.astype("int64"),
        png(Pillow.fromarray(AREAS)),
        png(Pillow.fromarray(AREAS.astype("uint16"))),
        {"bytes": png(Pillow.fromarray(AREAS)), "path": None},
    ],
    ids=["lists", "floats", "64 bits", "grey", "16 bits", "packed"],
)
def test_numbers_mean_the_same_however_they_are_stored(stored: Any) -> None:
    assert encoded(mask(), [AREAS, stored]).tolist() == [AREAS.tolist()] * 2


def test_of_a_palette_the_numbers_count_and_not_the_colours(tmp_path: Path) -> None:
    image = Pillow.fromarray(AREAS, "P")
    image.putpalette([10, 10, 10, 200, 0, 0, 0, 200, 0])
    image.save(tmp_path / "areas.png")

    assert encoded(mask(), [str(tmp_path / "areas.png")]).tolist() == [AREAS.tolist()]


def test_black_and_white_are_0_and_1() -> None:
    image = Pillow.fromarray(AREAS * 100).point(lambda level: 255 * (level > 50), "1")

    assert encoded(mask(), [png(image)]).tolist() == [(AREAS > 0).astype(int).tolist()]


def test_an_array_of_masks_is_encoded_like_a_list_of_them() -> None:
    masks = np.stack([AREAS, AREAS[::-1]])

    assert np.array_equal(encoded(mask(), masks), encoded(mask(), list(masks)))


def test_a_mask_is_brought_to_a_size_without_classes_in_between() -> None:
    larger = encoded(mask(size=[4, 6]), [AREAS * 100, np.repeat(AREAS, 2, 0).repeat(2, 1) * 100])

    assert larger.tolist() == [AREAS.repeat(2, 0).repeat(2, 1).tolist()] * 2


def test_a_mask_moves_with_its_image() -> None:
    change, other = (Lookup("field").validate({"type": kind, "augment": {"shift": 2, "flip": "vertical"}}) for kind in ("mask", "image"))
    masks, drawn = torch.randint(0, 5, (16, 8, 8)), torch.rand(3, 16)

    moved = change.build_augment()(masks, drawn)  # type: ignore[attr-defined]
    images = other.build_augment()(masks[:, None].float(), drawn)  # type: ignore[attr-defined]
    assert moved.dtype == torch.int64
    assert torch.equal(moved, images[:, 0].long())
    assert not torch.equal(moved, masks)


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (None, "has no value"),
        ("nowhere.png", "names the file `nowhere.png`, which does not exist"),
        (b"no picture", "holds bytes that cannot be read as a picture"),
        (5, "holds `5`, which is no picture"),
        ([[0, 1], [1]], "holds no mask, but lists of different length"),
        ([["sky"]], "holds no mask, but an array of <U3"),
        ([0, 1], "holds an array of (2,), which is no mask"),
        (np.zeros((2, 3, 3)), "holds an array of (2, 3, 3), which is no mask"),
        (AREAS * 0.25, "holds a pixel 0.5, which is no number of a class"),
        (AREAS.astype(int) - 1, "holds a pixel -1, which is no number of a class"),
        (AREAS * np.nan, "holds a pixel nan, which is no number of a class"),
        (np.full((2, 3), 1 << 40), "which is no number of a class"),
        (png(Pillow.fromarray(AREAS).convert("RGB")), "holds a picture of the mode RGB, whose colours are no numbers of classes"),
        (AREAS.T, "holds a mask 3 pixels high and 2 wide, where 2 and 3 are wanted"),
    ],
    ids=str,
)
def test_what_is_no_mask_is_refused_with_its_row(stored: Any, said: str) -> None:
    message = refusal(mask(), [AREAS, stored]).message

    assert message.startswith("`it` in row 2 ")
    assert said in message


def test_a_pixel_of_no_class_is_refused_with_row_and_number() -> None:
    unseen = refusal(mask(), [AREAS, np.full((2, 3), 7)], train=[AREAS])
    unnamed = refusal(mask(classes=["sky", "land", "sea"]), [AREAS, np.full((2, 3), 255)])

    assert unseen.message == "`it` in row 2 holds a pixel 7, which no mask of the training part has: they have `0`, `1`, `2`"
    assert unseen.help == "name all classes in `classes`, or leave the row out"
    assert unnamed.message == "`it` in row 2 holds a pixel 255, where `classes` names 3, of 0 to 2"


def test_an_array_that_is_no_mask_is_refused_before_it_is_read() -> None:
    assert mask().misfit((24, 24)) is None
    assert mask().misfit((24, 24, 3)) == "a mask is an array (H, W) of the numbers of classes; an `image` may have channels"
    assert mask(classes=["sky", "land"]).shape("it", mask().glimpsed((24, 32))) == Shape((24, 32), "category", 2)
