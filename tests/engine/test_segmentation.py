"""Networks that give a class at each pixel: what they learn, how they are judged, and what they answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score

from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.inference.signature import signature
from tests.compiler.support import headlines
from tests.engine.support import Built, build, train

SPEC = """\
nnrun: 1
name: areas
data:
  source: csv
  file: none.csv
  fields:
    image: {type: image, channels: 1, size: [5, 6], augment: {shift: 1, flip: horizontal}}
    areas: {type: mask, size: [5, 6], augment: {shift: 1, flip: horizontal}}
nodes:
  seen:   {type: conv, filters: 8, kernel: 1, activation: relu}
  scores: {type: conv, filters: 3, kernel: 1}
edges:
  - image -> seen -> scores
train:
  loss: {type: cross_entropy, input: scores, target: areas}
  optimizer: {type: adam, lr: 0.1}
  batch_size: 20
  epochs: 30
metrics: [mean_iou, accuracy]
"""


@pytest.fixture(scope="module")
def trained() -> tuple[Built, dict[str, float], np.ndarray]:
    images = np.random.default_rng(0).random((100, 5, 6)).astype("float32")
    masks = np.digitize(images, [0.3, 0.6]) * 100
    built = build(SPEC, {"image": images, "areas": masks})
    outcome, _ = train(built)
    return built, dict(outcome.figures), masks


def test_the_class_of_each_pixel_is_learned(trained: tuple[Built, dict[str, float], np.ndarray]) -> None:
    assert trained[1]["test/accuracy"] > 0.95


def test_answers_are_the_numbers_of_the_data(trained: tuple[Built, dict[str, float], np.ndarray]) -> None:
    built, figures, masks = trained
    test = built.data.test
    assert test is not None
    answers = Predictor(built.network, built.plan, built.data.facts).answers(test)
    said, true = np.array(answers["areas"]), masks[test.rows.numpy()]

    assert said.shape == np.shape(answers["areas_probability"]) == (len(test), 5, 6)
    assert set(np.unique(said)) == {0, 100, 200}
    assert (said == true).mean() == pytest.approx(figures["test/accuracy"])
    assert jaccard_score(true.ravel(), said.ravel(), average="macro") == pytest.approx(figures["test/mean_iou"])


def test_answers_are_described_as_numbers(trained: tuple[Built, dict[str, float], np.ndarray]) -> None:
    _, outputs = signature(trained[0].plan)

    assert {"name": "areas", "type": "long", "axes": 2} in outputs


def test_masks_of_a_batch_lie_upon_their_images(trained: tuple[Built, dict[str, float], np.ndarray]) -> None:
    (batch, *_) = trained[0].data.train.batches(50, seed=1, epoch=1, order="shuffled")

    assert torch.equal(torch.bucketize(batch.values["image"][:, 0], torch.tensor([0.3, 0.6])), batch.values["areas"])


def test_a_mask_that_stands_still_is_warned_of() -> None:
    text = SPEC.replace("areas: {type: mask, size: [5, 6], augment: {shift: 1, flip: horizontal}}", "areas: {type: mask, size: [5, 6]}")

    assert [line.partition(":")[0] for line in headlines(text)] == ["augmented-apart"]
