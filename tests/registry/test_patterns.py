"""Sources of patterns that are made, not measured."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from nnrun.registry.catalog import find
from nnrun.registry.source import Source


def columns(name: str, *wanted: str, **options: object) -> list[np.ndarray]:
    cls = find("source", name)
    assert cls is not None
    source = cls.model_validate({"source": name, **options})
    assert isinstance(source, Source)
    table = source.load(None, list(wanted))["all"]  # type: ignore[arg-type]
    return [np.asarray(table[column]) for column in wanted]


def test_bars_and_stripes_are_thirty_different_images_of_full_lines() -> None:
    (images,) = columns("bars_and_stripes", "image")

    assert len({image.tobytes() for image in images}) == len(images) == 30
    assert all((image == image[0]).all() or (image.T[0] == image.T).all() for image in images)


def test_letters_are_black_and_white_and_different() -> None:
    images, names = columns("letters", "image", "letter")

    assert images.shape == (26, 16, 16)
    assert set(np.unique(images)) == {0, 1}
    assert len({image.tobytes() for image in images}) == 26
    assert names[0] == "A"


@pytest.mark.parametrize("side", [8, 16, 40])
def test_letters_fill_their_square_without_touching_its_border(side: int) -> None:
    (images,) = columns("letters", "image", side=side)
    ink = images.any(0)

    assert 0.3 < ink.mean() < 0.95


def test_random_patterns_follow_from_their_seed() -> None:
    one, same, other = (columns("random_patterns", "pattern", size=50, count=20, seed=seed)[0] for seed in (0, 0, 1))

    assert set(np.unique(one)) == {-1, 1}
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_shifted_digits_are_the_digits_and_four_neighbours() -> None:
    images, digits = columns("shifted_digits", "image", "digit")
    original = load_digits().images / 16
    count = len(original)

    assert len(images) == len(digits) == 5 * count
    np.testing.assert_allclose(images[:count], original)
    np.testing.assert_allclose(images[count : 2 * count, :, :-1], original[:, :, 1:])
    np.testing.assert_allclose(images[4 * count :, 1:], original[:, :-1])
