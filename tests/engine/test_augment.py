"""Random changes of pictures: one draw an example, for all of its fields."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.compiler.support import headlines
from tests.engine.support import Built, build, train

MASKS = """\
nnrun: 1
name: masks
data:
  source: csv
  file: none.csv
  fields:
    image: {type: image, size: 6, channels: 1, augment: {shift: 2, flip: horizontal}}
    mask:  {type: image, size: 6, channels: 1, augment: {shift: 2, flip: horizontal}}
nodes:
  scores: {type: conv, filters: 1, kernel: 1}
edges:
  - image -> scores
train:
  loss: {type: binary_cross_entropy, input: scores, target: mask}
  optimizer: {type: adam, lr: 0.3}
  batch_size: 20
  epochs: 40
metrics: [accuracy]
"""

OPTIONS = ", augment: {shift: 2, flip: horizontal}"


def masks(text: str = MASKS) -> Built:
    images = np.random.default_rng(0).random((100, 6, 6)).astype("float32")
    return build(text, {"image": images, "mask": (images > 0.8).astype("float32")})


def test_an_image_moves_with_its_mask() -> None:
    (batch, *_) = masks().data.train.batches(50, seed=1, epoch=1, order="shuffled")

    assert torch.equal(batch.values["image"] > 0.8, batch.values["mask"] == 1)


def test_a_network_learns_a_mask_that_moves_with_its_image() -> None:
    outcome, _ = train(masks())

    assert outcome.figures["test/accuracy"] > 0.98


def test_examples_of_a_batch_are_changed_each_in_its_own_way() -> None:
    columns: dict[str, Any] = {name: np.stack([np.arange(36.0).reshape(6, 6)] * 100) for name in ("image", "mask")}
    (batch, *_) = build(MASKS, columns).data.train.batches(50, seed=1, epoch=1, order="shuffled")

    assert len({tuple(image.flatten().tolist()) for image in batch.values["image"]}) > 20


def test_a_film_moves_with_the_image_that_it_ends_in() -> None:
    text = MASKS.replace("image: {type: image", "image: {type: video").replace("  scores:", "  final: {type: last}\n  scores:")
    images = np.random.default_rng(0).random((100, 6, 6)).astype("float32")
    columns = {"image": [np.stack([image] * 3) for image in images], "mask": images}
    (batch, *_) = build(text.replace("image -> scores", "image -> final -> scores"), columns).data.train.batches(50, 1, 1, "shuffled")

    assert all(torch.equal(frame, batch.values["mask"]) for frame in batch.values["image"])


@pytest.mark.parametrize(
    ("old", "new", "apart"),
    [
        ("", "", None),
        (f"mask:  {{type: image, size: 6, channels: 1{OPTIONS}}}", "mask:  {type: image, size: 6, channels: 1}", ("image", "mask")),
        (f"image: {{type: image, size: 6, channels: 1{OPTIONS}}}", "image: {type: image, size: 6, channels: 1}", ("image", "mask")),
        ("channels: 1, augment: {shift: 2, flip: horizontal}}\n    mask", "channels: 1, augment: {shift: 1}}\n    mask", ("image", "mask")),
        (OPTIONS, "", None),
        ("target: mask", "target: image", None),
    ],
)
def test_a_target_that_is_not_changed_with_its_input_is_warned_of(old: str, new: str, apart: tuple[str, str] | None) -> None:
    text = MASKS.replace(old, new)
    wanted = "augmented-apart: `{}` and its target `{}` are not augmented alike: after a random change they no longer lie upon each other"

    assert headlines(text) == ([] if apart is None else [wanted.format(*apart)])


def test_pictures_of_two_sizes_do_not_move_by_as_much() -> None:
    text = MASKS.replace("edges:", "  small: {type: pool, size: 2}\nedges:").replace("image -> scores", "image -> scores -> small")
    text = text.replace("input: scores", "input: small").replace("mask:  {type: image, size: 6", "mask:  {type: image, size: 3")

    assert [line.partition(":")[0] for line in headlines(text)] == ["augmented-apart"]
    assert headlines(text.replace("shift: 2, ", "")) == []


def test_what_was_done_to_pictures_is_told_once_for_each_field() -> None:
    images = np.arange(100 * 36, dtype="uint16").reshape(100, 6, 6)
    built = build(MASKS, {"image": images, "mask": (images > 1800).astype("uint8")})

    assert built.data.said == ["`image`: pixels from 0 to 3599, divided by 65535", "`mask`: pixels are 0 and 1, and taken so"]
